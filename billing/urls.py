from django.urls import path

from billing import closing_views, discrepancy_views, kivitendo_views, run_views, step_views, trying_views, views

app_name = "billing"
urlpatterns = [
    path("", views.order_list, name="orders"),
    path("<int:pk>/", views.order, name="order"),
    path("<int:pk>/statement/", views.statement, name="statement"),
    path("<int:pk>/return/", step_views.back_to_draft, name="return"),
    path("<int:pk>/void/", step_views.void, name="void"),
    path("approve/", step_views.approve, name="approve"),
    path("issue/", step_views.issue, name="issue"),
    path("close/", closing_views.close, name="close"),
    path("reopen/", closing_views.reopen, name="reopen"),
    path("export/", views.export, name="export"),
    path("try-out/", trying_views.trial, name="trial"),
    path("left-out/", views.left_out_list, name="left_out"),
    path("discrepancies/", discrepancy_views.discrepancy_list, name="discrepancies"),
    path("kivitendo/", kivitendo_views.customers, name="kivitendo"),
    path("kivitendo/refresh/", kivitendo_views.refresh, name="kivitendo_refresh"),
    path("kivitendo/orders/", kivitendo_views.orders, name="kivitendo_orders"),
    path("kivitendo/look/", kivitendo_views.look, name="kivitendo_look"),
    path("runs/", run_views.run_list, name="runs"),
    path("runs/start/", run_views.start, name="start"),
    path("runs/<int:pk>/", run_views.run, name="run"),
    path("runs/<int:pk>/retry/", run_views.retry, name="retry"),
    path("runs/<int:pk>/cancel/", run_views.cancel, name="cancel"),
    path("runs/<int:pk>/progress/", run_views.progress, name="run_progress"),
]
