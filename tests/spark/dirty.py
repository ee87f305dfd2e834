"""Nine files with rows that are refused, and rows that are read otherwise than they look; each kind that is known."""

from __future__ import annotations

from pathlib import Path

from landing.data import csv, header, write

_ORDERS = (
    "o3,c3,deliv\0ered,2018-01-02 10:56:33,,,,",
    "o4,c4,created,yesterday,,,,",
    "o5,c5,created,2018-02-03T00:00:01Z,2018-02-03 00:00:01 UTC,2018-02-03 00:00:01-0300,2018-02-03,",
    "o6,c6,delivered,2018-02-03 24:00:00,,,,",
    "o7,c7,created,2016-12-31 23:59:60,2018-01-02 03:04:05.1234567,,NULL,0000-00-00 00:00:00",
    "o8,c8,created,2018-02-30 10:00:00,,,,",
    ",".join(header("orders")),
    "o9,c9,created,2018-01-02 10:56:33",
    "\\N,c10,created,2018-01-02 10:56:33,,,,",
    "o11,c11,created,2018-01-02 10:56:33,,,,,",
    "o12,c12, shipped\t,2018-01-02 10:56:33,,,,",
)
_ITEMS = (
    "o1,2,p1,s1,2018-01-05 00:00:00,-1.00,3",
    "o2,x,p1,s1,,1.00,1.00",
    "o2,2.0,p1,s1,n/a,58.900000000000006,0.30000000000000004",
    "o2,3,p1,s1,,58.905,1",
    "o2,4,p1,s1,,.5,2.7755575615628914e-17",
    "o2,0,p1,s1,,1,1",
    "o2,5,1.2E+15,s1,,1,1",
    "o2,6,ção,p\u00a0x,,1,1",
    'o2,7,"p1","s1","2018-01-05 00:00:00","12.50","1"',
    "o2,8,p1,s1,,99999999999999999.99,1",
)
_PAYMENTS = (
    "o1,2,refund,,-5.00",
    "o1,3,refund,1,5.00",
    "o1,4,voucher,0,-5.00",
    "o1,5,gold,1,5.00",
    "o1,6,pix,nan,5",
)
_REVIEWS = (
    'r2,o1,4,,"a break\nin it, and ""quotes""",2018-01-12 00:00:00,2018-01-13 08:00:00',
    'r3,o1,6,,"too good",,',
    'r4,o1,5,"title" ,  "spaces around",,',
    'r5,o1,5,,a "quote" inside,,',
    'r6,o1,5,,"closed" too early,,',
    'r7,o1,5,,"never closed,2018-01-12 00:00:00,',
)
_PRODUCTS = (
    "p2,,10,20,1,225.5,16,10.125,14",
    "p3,x,10,20,1,225.1234,16,10,14",
    "p4,x,-1,20,1,,,,",
    "p5,x,1_0,20,1,,,,",
)
_GEO = (
    "01037.0,-23.5,-46.6,s,SP",
    "1037,-91,-46.6,s,SP",
    "1037,inf,-46.6,s,SP",
    "1037,-2.35e1,-46.6,s,SP",
    "1037,0x1p3,-46.6,s,SP",
)


def dirty(folder: Path) -> Path:
    """Write the files; each has good rows too."""
    customers = csv("customers") + "c3,u3,01037,São Paulo,SP\n".encode("latin-1") + b",u4,01037,x,SP\n"
    customers += "c5,u5,none,Maceió,AL\nc6,u6,-,\u00a0null\u00a0,x\n".encode() * 3
    return write(
        folder,
        orders=_file("orders", _ORDERS),
        order_items=_file("order_items", _ITEMS),
        order_payments=_file("order_payments", _PAYMENTS),
        order_reviews=_file("order_reviews", _REVIEWS),
        customers=customers,
        products=_file("products", _PRODUCTS),
        geolocation=_file("geolocation", _GEO),
        sellers=b"\xef\xbb\xbf" + csv("sellers", end="\r\n"),
    )


LINES = {
    "orders": _ORDERS,
    "order_items": _ITEMS,
    "order_payments": _PAYMENTS,
    "order_reviews": _REVIEWS,
    "products": _PRODUCTS,
    "geolocation": _GEO,
}
"""The rows that are not plain, by table."""


def _file(name: str, lines: tuple[str, ...]) -> bytes:
    return csv(name) + "".join(f"{line}\n" for line in lines).encode()
