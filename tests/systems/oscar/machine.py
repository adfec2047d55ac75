"""django-oscar: a shop with one product, five of which are there, and a clerk who orders for the house."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.systems import django

PASSWORD = "hidden-password-of-the-clerk"
SITE = django.Site(
    "oscar",
    settings="""
from oscar.defaults import *
APPS = {
    "": "analytics Analytics, checkout Checkout, address Address, shipping Shipping, catalogue Catalogue, "
    "communication Communication, partner Partner, basket Basket, payment Payment, offer Offer, order Order, "
    "customer Customer, search Search, voucher Voucher, wishlists Wishlists, dashboard Dashboard",
    "catalogue.": "reviews CatalogueReviews",
    "dashboard.": "reports ReportsDashboard, users UsersDashboard, orders OrdersDashboard, "
    "catalogue CatalogueDashboard, offers OffersDashboard, partners PartnersDashboard, pages PagesDashboard, "
    "ranges RangesDashboard, reviews ReviewsDashboard, vouchers VouchersDashboard, "
    "communications CommunicationsDashboard, shipping ShippingDashboard",
}
INSTALLED_APPS = [
    *(f"django.contrib.{name}" for name in "admin auth contenttypes flatpages messages sessions sites".split()),
    "oscar.config.Shop",
    *(
        "oscar.apps.{}{}.apps.{}Config".format(place, *one.split())
        for place, names in APPS.items()
        for one in names.split(", ")
    ),
    "widget_tweaks", "haystack", "treebeard", "django_tables2", "rest_framework", "oscarapi",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ],
}}]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
OSCAR_INITIAL_ORDER_STATUS = OSCAR_INITIAL_LINE_STATUS = "new"
""",
    urls="""
from django.apps import apps
from django.urls import include, path
urlpatterns = [path("api/", include("oscarapi.urls")), path("", include(apps.get_app_config("oscar").urls[0]))]
""",
    setup="""
from oscar.apps.address.models import Country
from oscar.apps.catalogue.models import Product, ProductClass
from oscar.apps.partner.models import Partner, StockRecord
Country.objects.create(
    iso_3166_1_a2="DE", iso_3166_1_a3="DEU", printable_name="Germany", name="Germany", is_shipping_country=True
)
goods = ProductClass.objects.create(name="Goods", requires_shipping=True, track_stock=True)
chair = Product.objects.create(title="Chair", product_class=goods, upc="C1", structure="standalone")
house = Partner.objects.create(name="House", code="house")
StockRecord.objects.create(
    product=chair, partner=house, partner_sku="C1", price="10.00", price_currency="EUR", num_in_stock=20
)
""",
)


class Shop:
    """The running shop."""

    def __init__(self, running: django.Running) -> None:
        self.port = urlsplit(running.url).port or 0
        self._running = running

    def orders(self, basket: str) -> list[dict[str, Any]]:
        """Return the orders of a basket, by its address, from the shop's own database."""
        number = int(basket.rstrip("/").rpartition("/")[2])
        return self._rows("SELECT * FROM order_order WHERE basket_id = ?", number)

    def promised(self) -> int:
        """Return how many chairs are promised to orders."""
        (row,) = self._rows("SELECT coalesce(num_allocated, 0) AS promised FROM partner_stockrecord")
        return int(row["promised"])

    def _rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._running.database)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, values)]


@contextmanager
def running() -> Iterator[Shop]:
    """Run a shop."""
    with django.running(SITE, PASSWORD) as found:
        yield Shop(found)
