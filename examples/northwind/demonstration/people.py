"""The requests in which people matter most: approving, editing, confirming, four eyes, stopping everything."""

from __future__ import annotations

from examples.northwind.demonstration.money import CREDIT
from examples.northwind.demonstration.paper import Page, notes
from examples.northwind.demonstration.scene import Scene, Unexpected, last


def changed_record(scene: Scene, page: Page) -> None:
    """The order changes between the approver's look and the approval, so the approval is void."""
    session = scene.open("maria")
    words = "Please credit 120.00 on order 10835 because the Raclette was past its date"
    action = last(scene.ask(page, session, words, customer="maria"), CREDIT)
    seen = scene.approval(action, "billing-lead")
    page.then(f"Steven Buchanan is shown a total of {seen['shown']['facts']['order']['total']:.2f}, and thinks it over")
    scene.books.change_order(10835, product_id=59, quantity=3)
    page.then("a colleague corrects the order in the order desk's own program: 3 pieces, not 15")
    verdict = {"verdict": "approve", "consent": seen["consent"], "comment": "Fine"}
    reply = scene.who("steven").send("POST", f"/v1/approvals/{seen['id']}/decide", verdict)
    page.then(f"Steven approves what he saw, and is told: {reply.body.get('detail', reply.status)}")
    page.holds("billing holds no note on order 10835", not scene.books.notes(10835))
    fresh = scene.approval(action, "billing-lead")
    page.then(f"he is asked anew, with a total of {fresh['shown']['facts']['order']['total']:.2f}, and rejects")
    scene.who("steven").post(
        f"/v1/approvals/{fresh['id']}/decide",
        verdict="reject",
        consent=fresh["consent"],
        comment="Not that much was delivered",
    )
    page.decided(scene.action(action)["decision"])
    order = scene.books.order(10835)
    page.system("erp", f"order 10835: total {order['total']:.2f}, version {order['version']}")
    page.holds("the record had indeed changed", order["version"] > 1)
    page.holds("his first approval did not count", reply.refused == "consent_stale")
    page.holds("billing still holds no note on order 10835", not scene.books.notes(10835))


def edited(scene: Scene, page: Page) -> None:
    """An approver lowers the amount before approving; what runs is what was approved."""
    session = scene.open("maria")
    words = "Please credit 150.00 on order 10692 because half of the Vegie-spread was spoilt"
    action = last(scene.ask(page, session, words, customer="maria"), CREDIT)
    approval = scene.approval(action, "billing-lead")
    scene.who("steven").post(
        f"/v1/approvals/{approval['id']}/decide",
        verdict="approve",
        consent=approval["consent"],
        comment="We replaced a part of it already",
        input={**action["input"], "amount": 90.00},
    )
    page.then("Steven Buchanan approves 90.00 instead: We replaced a part of it already")
    page.system("billing", notes(scene.books.notes(10692)))
    page.holds("billing holds one note of 90.00 on order 10692", scene.books.amounts(10692) == [90.0])


def confirmed(scene: Scene, page: Page) -> None:
    """A customer confirms a new address; the agent cannot do that for the customer."""
    session = scene.open("laurence", agent="orders-desk")
    words = "Please ship order 11076 to 24, rue Paradis, 13006 Marseille, France"
    before = scene.books.order(11076)["ship_address"]
    actions = scene.ask(page, session, words, customer="laurence", agent="orders-desk")
    action = last(actions, "erp.change_ship_address")
    consent = {"consent": action.get("consent", "")}
    reply = scene.who("desk").send("POST", f"/v1/actions/{action['id']}/confirm", consent)
    page.then(f"the agent tries to confirm it itself, and is told: {reply.body.get('detail', reply.status)}")
    page.holds("the order still goes to the old address", scene.books.order(11076)["ship_address"] == before)
    scene.who("laurence").post(f"/v1/actions/{action['id']}/confirm", **consent)
    page.then("Laurence Lebihan confirms it with his own key")
    order = scene.books.order(11076)
    page.system("erp", f"order 11076 goes to {order['ship_address']}, {order['ship_postal_code']} {order['ship_city']}")
    page.holds("the order goes to the new address", order["ship_address"] == "24, rue Paradis")
    page.holds("it was changed once", order["version"] == 2)


def four_eyes(scene: Scene, page: Page) -> None:
    """Whoever asks for something cannot approve it."""
    margaret = scene.who("margaret")
    opened = margaret.post("/v1/sessions", agent="orders-desk", customer="GREAL", channel="desk")
    words = "Please hold order 11061 because the customer's cold room is being repaired"
    actions = scene.tell(page, margaret, opened["id"], words, name="Margaret Peacock, order desk", agent="orders-desk")
    action = last(actions, "erp.hold_order")
    approval = scene.approval(action, "orders-desk")
    verdict = {"verdict": "approve", "consent": approval["consent"], "comment": "It can wait"}
    reply = margaret.send("POST", f"/v1/approvals/{approval['id']}/decide", verdict)
    page.then(f"Margaret Peacock approves it herself, and is told: {reply.body.get('detail', reply.status)}")
    page.holds("order 11061 is not on hold", not scene.books.order(11061)["hold"])
    scene.who("michael").post(f"/v1/approvals/{approval['id']}/decide", **verdict)
    page.then("Michael Suyama, order desk, approves it: It can wait")
    order = scene.books.order(11061)
    page.system("erp", f"order 11061: {'on hold' if order['hold'] else 'not on hold'}: {order['hold_reason']}")
    page.holds("order 11061 is on hold", order["hold"] == 1)


def loop(scene: Scene, page: Page) -> None:
    """An agent that repeats itself is stopped."""
    session = scene.open("maria")
    words = "Has anybody looked at ticket 1001 yet?"
    page.said(scene.full_name("maria"), words)
    scene.who("portal").post(f"/v1/sessions/{session}/turns", request=words)
    page.note("agent", "an agent from elsewhere, which the demo plays, notes the same thing six times over:")
    states = []
    for attempt in range(6):
        action = scene.who("support").post(
            "/v1/actions",
            session=session,
            operation="helpdesk.reply",
            input={"ticket_id": 1001, "body": "I am looking into it.", "public": False},
        )
        states.append(action["state"])
        if attempt in (0, 5):
            page.proposed(action)
    page.then(f"its six proposals ended: {', '.join(states)}")
    replies = scene.books.replies(1001)
    page.system("helpdesk", f"ticket 1001 has {len(replies)} notes of ours")
    page.holds("the helpdesk took no more notes than were let through", len(replies) == states.count("succeeded"))
    page.holds("that was at most three", 1 <= len(replies) <= 3)


def stopped(scene: Scene, page: Page) -> None:
    """A kill switch stops an operation at once, whoever asks; clearing it lets it go on."""
    anne = scene.who("anne")
    anne.post("/v1/switches", scope="operation", target=CREDIT, reason="A wave of false claims is looked into")
    page.then("Anne Dodsworth, risk officer, stops all credit notes: A wave of false claims is looked into")
    session = scene.open("maria")
    words = "Please credit 15.00 on order 10952 because the sauerkraut leaked"
    action = last(scene.ask(page, session, words, customer="maria"), CREDIT)
    page.holds("billing holds no standing note on order 10952", scene.books.amounts(10952) == [])
    anne.post("/v1/switches/clear", scope="operation", target=CREDIT)
    page.then("she clears the switch, and Maria's agent asks again")
    again = scene.who("support").post("/v1/actions", session=session, operation=CREDIT, input=action["input"])
    page.decided(again["decision"])
    page.system("billing", notes(scene.books.notes(10952)))
    page.holds("billing holds one standing note of 15.00", scene.books.amounts(10952) == [15.0])


def drafted(scene: Scene, page: Page) -> None:
    """An operation that agents are on trial with is prepared and not done."""
    session = scene.open("maria")
    scene.ask(page, session, "Please close ticket 1001, thank you.", customer="maria")
    ticket = scene.books.ticket(1001)
    page.system("helpdesk", f"ticket 1001 is {ticket['status']}")
    page.holds("the ticket has not been moved", ticket["status"] == "open")


def left_waiting(scene: Scene, page: Page) -> None:
    """A very large credit is left for the reader to decide in the console."""
    laura = scene.who("laura")
    opened = laura.post("/v1/sessions", agent="support", customer="QUICK", channel="desk")
    words = "Please credit 1200.00 on order 10865 because a whole pallet was refused"
    name = "Laura Callahan, support"
    action = last(scene.tell(page, laura, opened["id"], words, name=name, agent="support"), CREDIT)
    if action["state"] != "waiting":
        raise Unexpected(f"the action is {action['state']}")
    page.holds("while it waits, billing holds no note on order 10865", not scene.books.notes(10865))
