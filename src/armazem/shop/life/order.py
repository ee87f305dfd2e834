"""One simulated order: what is bought, by whom, and the message of each of its steps."""

from __future__ import annotations

from collections import deque

from armazem.shop.life import events
from armazem.shop.life.course import DAY, draw_course
from armazem.shop.life.events import SECOND
from armazem.shop.life.market import Market
from armazem.shop.life.messages import Account, Message, Role
from armazem.shop.life.payments import draw_payments
from armazem.shop.life.reviews import draw_score

_MEAN_PROMISE, _SPREAD_OF_PROMISE = 23 * DAY, 5 * DAY
_SHIPPING_LIMIT = 6 * DAY


class Order:
    """An order that gives its messages one after the other.

    `steps`: those to come. `held`: messages that it gave and that are kept back. `last_at`: time of the
    newest, in microseconds since 1970.
    """

    __slots__ = (
        "_basket", "_customer_id", "_delivered", "_home", "_late", "_market", "_order_id", "_payments", "_person",
        "_placed_at", "_promised_at", "account", "held", "last_at", "steps",
    )  # fmt: skip

    def __init__(self, market: Market) -> None:
        rng = market.rng
        self._market = market
        self._order_id, self._customer_id = market.identifier(), market.identifier()
        self._person, self._home = market.buyer()
        self._basket = market.basket()
        paid = draw_payments(sum(offer.price + freight for offer, freight in self._basket), rng)
        self._payments = deque(paid)
        later = len(paid) - 1 if rng.random() < 0.5 else 0
        self.steps = deque(draw_course(slow=paid[0].type == "boleto", later_payments=later, rng=rng))
        self._delivered: str | None = None
        self._late = False
        self._placed_at = self._promised_at = self.last_at = 0
        self.held: list[Message] = []
        self.account = Account()

    def wait(self) -> int:
        """Return the microseconds of the simulation until the next step."""
        return int(self.steps[0].wait * self._market.pace * SECOND)

    def advance(self, now: int) -> Message:
        """Return the message of the next step, which happens now, or just after the last one where that is later."""
        at = max(now, self.last_at + 1)
        step = self.steps.popleft()
        stamp = events.timestamp(at, self._market.zone)
        message = Message(b"", step.event_type, Role.EVENT, at, self.account, step.status)
        match step.event_type:
            case "order_status_update":
                data = self._reach(step.status, stamp[:-6], at)
            case "order_initiated":
                data = self._place_order(stamp[:-6], message)
            case "order_payment":
                data = self._pay(1, message)
            case "order_review":
                data = self._review(stamp[:-6])
            case "customer_update":
                data = self._introduce() if not self.last_at else self._move()
            case "product_update":
                data = self._describe_product()
            case _:
                data = self._move_seller()
        message.body = events.event(self._market.identifier(), step.event_type, stamp, data)
        self.last_at = at
        return message

    def _place_order(self, time: str, message: Message) -> str:
        self._placed_at = message.at
        promise = self._market.rng.gauss(_MEAN_PROMISE, _SPREAD_OF_PROMISE)
        self._promised_at = message.at + int(max(3 * DAY, promise) * SECOND)
        limit = events.timestamp(message.at + int(_SHIPPING_LIMIT * SECOND), self._market.zone)[:-6]
        items = ",".join(
            events.item(self._order_id, number, offer.product_id, offer.seller_id, limit, offer.price, freight)
            for number, (offer, freight) in enumerate(self._basket, 1)
        )
        message.items = len(self._basket)
        separate = sum(step.event_type == "order_payment" for step in self.steps)
        return (
            f'"orders":{{"order_id":"{self._order_id}","customer_id":"{self._customer_id}",'
            f'"order_status":"created","order_purchase_timestamp":"{time}",'
            f'"order_estimated_delivery_date":"{events.midnight(self._promised_at, self._market.zone)}"}},'
            f'"order_items":[{items}],{self._pay(len(self._payments) - separate, message)}'
        )

    def _pay(self, count: int, message: Message) -> str:
        paid = [self._payments.popleft() for _ in range(count)]
        message.cents = sum(payment.cents for payment in paid)
        return events.payments(self._order_id, paid)

    def _reach(self, status: str, time: str, at: int) -> str:
        if status == "delivered":
            self._delivered = time
            # Late as the customer feels it: after the days that the simulated seconds stand for.
            self._late = (at - self._placed_at) / self._market.pace > self._promised_at - self._placed_at
        return events.status(self._order_id, status, time)

    def _review(self, time: str) -> str:
        market = self._market
        score = draw_score(delivered=self._delivered is not None, late=self._late, rng=market.rng)
        title, text = market.comments.draw(score, market.rng)
        return (
            f'"order_reviews":{{"review_id":"{market.identifier()}","order_id":"{self._order_id}",'
            f'"review_score":{score}'
            + (f',"review_comment_title":{title}' if title else "")
            + (f',"review_comment_message":{text}' if text else "")
            + f',"review_creation_date":"{self._delivered or time}","review_answer_timestamp":"{time}"}}'
        )

    def _introduce(self) -> str:
        person = f'"customer_unique_id":"{self._person}"'
        return f'"customers":{{"customer_id":"{self._customer_id}",{person}{events.place("customer", self._home)}}}'

    def _move(self) -> str:
        home = events.place("customer", self._market.place())
        return f'"customers":{{"customer_id":"{self._customer_id}"{home}}}'

    def _describe_product(self) -> str:
        rng = self._market.rng
        return (
            f'"products":{{"product_id":"{self._basket[0][0].product_id}",'
            f'"product_photos_qty":{rng.randint(1, 9)},"product_description_length":{rng.randint(40, 3900)}}}'
        )

    def _move_seller(self) -> str:
        place = events.place("seller", self._market.seller().place)
        return f'"sellers":{{"seller_id":"{self._basket[0][0].seller_id}"{place}}}'
