-- What the portal reads in kivitendo 4.1 and newer. Run as the owner of kivitendo's tables, in its database:
--     psql -1 -v ON_ERROR_STOP=1 -f views-4.1.sql kivitendo
-- Nothing of kivitendo itself is changed, and running it again is harmless. Contacts belong to customers by a table of their own here.

DROP VIEW IF EXISTS otrs_customer_contacts, portal_customers, portal_services, portal_units, portal_orders;

-- The classic view of contacts with an e-mail, its 21 columns as they always were; behind them keys and the main contact.
CREATE VIEW otrs_customer_contacts AS
SELECT person.cp_title, person.cp_givenname, person.cp_name, btrim(person.cp_email) AS cp_email,
       person.cp_phone1, person.cp_mobile1,
       'no password'::text AS cp_password, 1 AS cp_valid_id,
       buyer.customernumber, buyer.name, buyer.street, buyer.zipcode, buyer.city, land.iso2 AS country,
       buyer.phone, buyer.fax, buyer.homepage, buyer.notes,
       CASE WHEN buyer.obsolete THEN 2 ELSE 1 END AS customer_valid_id,
       buyer.itime AS create_time, buyer.mtime AS change_time,
       buyer.id AS customer_id, person.cp_id AS contact_id, COALESCE(link.main, false) AS is_main_contact
  FROM contacts person
  JOIN customer_contacts link ON link.contact_id = person.cp_id
  JOIN customer buyer ON buyer.id = link.customer_id
  LEFT JOIN countries land ON land.id = buyer.country_id
 WHERE btrim(person.cp_email) <> '';

-- Every customer once, with or without contacts.
CREATE VIEW portal_customers AS
SELECT id AS customer_id, customernumber, name, zipcode, city,
       COALESCE(obsolete, false) AS obsolete, COALESCE(order_lock, false) AS order_lock
  FROM customer;

-- Services that can stand on an order. Time is not billed as goods, so these are left out.
CREATE VIEW portal_services AS
SELECT id AS part_id, partnumber, description, unit, COALESCE(obsolete, false) AS obsolete
  FROM parts
 WHERE part_type::text = 'service';

-- All units, and which is a multiple of which.
CREATE VIEW portal_units AS
SELECT name, base_unit FROM units;

-- Sales orders, to find again what was imported.
CREATE VIEW portal_orders AS
SELECT oe.id AS order_id, oe.ordnumber, oe.record_type::text AS record_type, buyer.customernumber, oe.netamount
  FROM oe
  JOIN customer buyer ON buyer.id = oe.customer_id;
