"""The stand-in ticket system: answers like a recorded OTRS/Znuny, over a real socket, from a data set that is known.

``data.build_data_set`` makes the tickets, ``server.start_simulator`` serves them, ``recorded.start_recorded_system``
serves the answers that a real server gave for one month. Standard library only.
"""
