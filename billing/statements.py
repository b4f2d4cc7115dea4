"""The work statement (Leistungsnachweis) of an order as a PDF: positions, every entry behind them, sums and the rule.

Drawn by fpdf2 in DejaVu Sans, so that umlauts and the euro sign are there. The same order gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from billing.agreements import last_day
from billing.documents import EntriesOf
from billing.explanations import rounding_in_words
from billing.models import Order, OrderPosition
from billing.pricing import Rule, one_line
from common.months import Month
from common.templatetags.formats import minutes, money, month_label, number
from tickets.models import TimeEntry

FONTS = Path(__file__).parent / "fonts"
FONT = "DejaVu"
MARGIN, LINE, SMALL_LINE = 18.0, 5.0, 4.2
BODY, SMALL, LARGE = 9, 7.5, 16
GREY, BLACK = 96, 0
NUMBERS = (26.0, 28.0, 20.0, 26.0)
"""Widths in mm of recorded, to bill, unit price and amount; the text takes the rest."""
LANGUAGES = ("de", "en")
PAGES = "\x1f" * 3
"""Stands for the number of pages until it is known; ``one_line`` leaves none in what others have written."""
INDENT = 6.0


class Paper(FPDF):
    """A4 upright with the name of the document at the foot of each page."""

    def __init__(self, foot: str) -> None:
        super().__init__(format="A4")
        self.foot = foot
        self.alias_nb_pages(PAGES)
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=20)
        self.add_font(FONT, fname=FONTS / "DejaVuSansCondensed.ttf")
        self.add_font(FONT, "B", FONTS / "DejaVuSansCondensed-Bold.ttf")

    def footer(self) -> None:
        self.set_y(-14)
        self.write_in(SMALL, color=GREY)
        page = _("Page %(page)s of %(pages)s") % {"page": self.page_no(), "pages": self.str_alias_nb_pages}
        self.cell(w=self.epw / 2, h=LINE, text=self.foot, new_x=XPos.RIGHT, new_y=YPos.TOP)
        self.cell(w=self.epw / 2, h=LINE, text=page, align=Align.R)

    def write_in(self, size: float, *, bold: bool = False, color: int = BLACK) -> None:
        self.set_font(FONT, "B" if bold else "", size)
        self.set_text_color(color)

    def line_of(self, text: str, *, height: float = LINE, align: Align = Align.L) -> None:
        self.multi_cell(w=0, h=height, text=text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def detail(self, text: str) -> None:
        """A small line beneath a position; one that is too long takes further ones."""
        self.set_x(self.l_margin + INDENT)
        if self.get_string_width(text) < self.epw - INDENT - 2 * self.c_margin:
            self.cell(w=0, h=SMALL_LINE, text=text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        else:
            self.line_of(text, height=SMALL_LINE)

    def rule(self) -> None:
        self.set_draw_color(GREY)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(1)


def work_statement(order: Order, positions: Sequence[OrderPosition], entries: EntriesOf, *, language: str) -> bytes:
    """The PDF of an order in ``de`` or ``en``. Positions come with their tickets, entries by position."""
    with translation.override(language):
        paper = Paper(f"{_('Work statement')} {order.document_number or order.number}")
        paper.set_title(paper.foot)
        paper.set_lang(language)
        paper.set_creation_date(order.issued_at or order.changed_at)
        paper.add_page()
        _head(paper, order)
        _table(paper, order, positions, entries)
        _rules(paper, positions)
        return bytes(paper.output())


def _head(paper: Paper, order: Order) -> None:
    paper.write_in(LARGE, bold=True)
    paper.line_of(_("Work statement"), height=9)
    if order.state not in (Order.State.ISSUED, Order.State.EXPORTED):
        paper.write_in(BODY + 2, bold=True)
        void = order.state == Order.State.VOID
        paper.line_of(
            _("VOID: this order is not billed.") if void else _("PREVIEW: this order is not issued."), height=6
        )
    paper.ln(2)
    for name, value in _facts(order):
        paper.write_in(BODY, color=GREY)
        paper.cell(w=42, h=LINE, text=name, new_x=XPos.RIGHT, new_y=YPos.TOP)
        paper.write_in(BODY)
        paper.multi_cell(w=0, h=LINE, text=value, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    paper.ln(4)


def _facts(order: Order) -> Iterator[tuple[str, str]]:
    month = Month.of(order.month)
    first, last = (date_format(day, "SHORT_DATE_FORMAT") for day in (order.period_start, last_day(month)))
    label = month_label(month)
    if order.period_start != order.month:
        label = f"{month_label(Month.of(order.period_start))} – {label}"
    customer = order.customer
    yield _("Customer"), one_line(customer.name) or customer.customer_id
    yield _("Customer number"), one_line(order.erp_customer_number)
    if order.document_number:
        yield _("Document number"), order.document_number
    yield _("Order"), order.number
    yield _("Billing period"), f"{label} ({first} – {last}, {customer.system.time_zone})"
    if order.issued_at:
        yield _("Issued"), date_format(timezone.localdate(order.issued_at), "SHORT_DATE_FORMAT")
    if order.correction_of is not None:
        yield _("Takes the place of"), order.correction_of.document_number or order.correction_of.number


def _table(paper: Paper, order: Order, positions: Sequence[OrderPosition], entries: EntriesOf) -> None:
    _columns(paper, _("Ticket"), (_("Recorded (min)"), _("To bill (min)"), _("Unit price"), _("Amount")), bold=True)
    paper.rule()
    for position in positions:
        _position(paper, position, entries(position))
    paper.rule()
    totals = (
        minutes(order.recorded_minutes),
        minutes(order.billable_minutes),
        "",
        money(order.net_amount, order.currency),
    )
    _columns(paper, _("Total, net"), totals, bold=True)
    paper.ln(3)


def _columns(paper: Paper, text: str, numbers: Sequence[str], *, bold: bool = False) -> None:
    """One line: text to the left, numbers to the right; a long text takes further lines of its own column."""
    paper.write_in(BODY, bold=bold)
    width = paper.epw - sum(NUMBERS)
    height = paper.multi_cell(w=width, h=LINE, text=text, align=Align.L, dry_run=True, output="HEIGHT")
    if paper.will_page_break(cast("float", height) + LINE):
        paper.add_page()
    top = paper.get_y()
    paper.multi_cell(w=width, h=LINE, text=text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    below = paper.get_y()
    paper.set_xy(paper.l_margin + width, top)
    for column, value in zip(NUMBERS, numbers, strict=True):
        paper.cell(w=column, h=LINE, text=value, align=Align.R, new_x=XPos.RIGHT, new_y=YPos.TOP)
    paper.set_xy(paper.l_margin, below)


def _position(paper: Paper, position: OrderPosition, entries: Sequence[TimeEntry]) -> None:
    ticket = position.ticket
    what = f"{ticket.number} {one_line(ticket.title)}" if ticket else one_line(position.text)
    text = f"{position.position}. {what}"
    price = number(position.unit_price, 2)
    shown = (minutes(position.recorded_minutes), minutes(position.billable_minutes), price, money(position.amount))
    _columns(paper, text, shown)
    paper.write_in(SMALL, color=GREY)
    for entry in entries:
        booked = date_format(entry.local_day, "SHORT_DATE_FORMAT")
        line = f"{booked} {entry.booked_local[11:16]}   {minutes(entry.minutes)} min   {one_line(str(entry.agent))}"
        paper.detail(line)
    if position.included_minutes or position.prepaid_minutes:
        covered = {"included": minutes(position.included_minutes), "prepaid": minutes(position.prepaid_minutes)}
        paper.detail(_("Not charged: %(included)s min included, %(prepaid)s min prepaid") % covered)
    discount = f" − {number(position.discount)} %" if position.discount else ""
    paper.detail(f"{number(position.quantity)} {position.unit} × {price}{discount} = {money(position.amount)}")
    paper.ln(1)


def _rules(paper: Paper, positions: Sequence[OrderPosition]) -> None:
    """How time was rounded, in words, once for each rule that occurs."""
    rules = (Rule.from_json(position.rule) for position in positions if position.rule)
    sentences = dict.fromkeys(rounding_in_words(rule) for rule in rules)
    closing = _("Amounts are net; taxes are added by the invoice. Times are those of the ticket system.")
    paper.write_in(SMALL, color=GREY)
    for sentence in (*sentences, closing):
        paper.line_of(sentence, height=SMALL_LINE)
