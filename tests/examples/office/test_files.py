"""Files: what is in a folder, who has a file, what is gone and what comes back."""

from __future__ import annotations

import pytest

from tests.examples.northwind.service_process import Service

SOFIE = "sofie.nystrom@fjordpost.example"


def names(folder: dict[str, list[dict[str, str]]]) -> list[str]:
    return [file["name"] for file in folder["files"]]


def test_a_folder_shows_what_is_in_it_and_nothing_from_the_bin(office: Service) -> None:
    top = office.get("/files/folders/fo-10")
    assert [folder["name"] for folder in top["folders"]] == ["Kvarn Quarter", "Villa Nyström", "Branch library"]
    assert names(office.get("/files/folders/fo-25")) == ["Minutes template.txt", "old-logo.svg"]


def test_files_are_found_by_words_in_name_and_text(office: Service) -> None:
    found = office.get("/files/files?query=rentable%20block")["files"]
    assert [file["file_id"] for file in found] == ["f-101"]


def test_a_file_is_made_once_and_its_versions_are_counted(office: Service) -> None:
    new = {"folder_id": "fo-13", "name": "Notes.txt", "text": "One"}
    made = office.ask("POST", "/files/files", new)
    assert (made.status, made.body["version"], made.body["size"]) == (201, 1, 3)
    assert office.ask("POST", "/files/files", new).status == 409
    assert office.ask("POST", "/files/files", {**new, "folder_id": "fo-99"}).status == 404
    path = f"/files/files/{made.body['file_id']}/text"
    assert office.ask("PUT", path, {"text": "Two"}).body["version"] == 2
    assert office.get(path)["text"] == "Two"


def test_a_file_goes_into_the_bin_and_comes_back(office: Service) -> None:
    assert office.ask("DELETE", "/files/files/f-113").body["status"] == "in the bin"
    assert office.ask("GET", "/files/files/f-113/text").status == 409
    assert office.ask("POST", "/files/files/f-113/restore").body["status"] == "kept"
    assert office.ask("POST", "/files/files/f-113/restore").status == 409


def test_a_deleted_folder_is_gone_with_what_was_in_it(office: Service) -> None:
    assert office.ask("DELETE", "/files/folders/fo-23").body == {"id": "fo-23", "status": "deleted"}
    assert office.ask("GET", "/files/folders/fo-23").status == 404
    assert office.ask("GET", "/files/files/f-114").status == 404
    assert office.ask("DELETE", "/files/folders/fo-01").status == 409


def test_a_file_moves_into_a_new_folder(office: Service) -> None:
    made = office.ask("POST", "/files/folders", {"parent_id": "fo-12", "name": "Window"})
    assert office.ask("POST", "/files/folders", {"parent_id": "fo-12", "name": "Window"}).status == 409
    place = {"folder_id": made.body["folder_id"]}
    assert office.ask("POST", "/files/files/f-105/move", place).body["folder_id"] == place["folder_id"]
    assert names(office.get(f"/files/folders/{place['folder_id']}")) == ["Nyström window study.txt"]


def test_an_attachment_is_filed_with_its_text(office: Service) -> None:
    wanted = {"message_id": "m-1043", "attachment_id": "a-1", "folder_id": "fo-14"}
    filed = office.ask("POST", "/files/attachments", wanted)
    assert filed.body["name"] == "kvarn-b-loads-rev3.pdf"
    assert "1840 kN" in office.get(f"/files/files/{filed.body['file_id']}/text")["text"]
    assert office.ask("POST", "/files/attachments", wanted).status == 409
    assert office.ask("POST", "/files/attachments", {**wanted, "attachment_id": "a-9"}).status == 404


def test_a_share_is_given_changed_and_taken_away(office: Service) -> None:
    for role in ("viewer", "editor"):
        shared = office.ask("POST", "/files/files/f-104/shares", {"people": [SOFIE], "role": role}).body
        assert shared["shares"] == [{"email": SOFIE, "role": role}]
    assert office.ask("DELETE", f"/files/files/f-104/shares/{SOFIE}").body["shares"] == []
    folder = office.ask("POST", "/files/folders/fo-12/shares", {"people": [SOFIE]}).body
    assert folder["shares"] == [{"email": SOFIE, "role": "viewer"}]


def test_a_link_is_made_and_ended(office: Service) -> None:
    link = {"audience": "anyone", "expires_on": "2026-03-31"}
    assert link.items() <= office.ask("PUT", "/files/files/f-112/link", link).body["link"].items()
    assert office.ask("DELETE", "/files/files/f-112/link").body["link"] is None


def test_a_comment_is_added_after_the_others(office: Service) -> None:
    office.ask("POST", "/files/files/f-103/comments", {"text": "Thank you"})
    comments = office.get("/files/files/f-103/comments")["comments"]
    assert [(comment["text"], comment["author"]["guest"]) for comment in comments][-1] == ("Thank you", False)


@pytest.mark.parametrize("query", ["", "%3Fq%3D1", "%23prices"])
def test_a_page_is_read_whatever_its_query(office: Service, query: str) -> None:
    page = office.get(f"/files/web-page?url=https%3A%2F%2Fwww.larch-cladding.example%2Fprices{query}")
    assert "62 EUR" in page["text"]


def test_a_page_that_cannot_be_reached_is_refused(office: Service) -> None:
    assert office.ask("GET", "/files/web-page?url=https%3A%2F%2Felsewhere.example%2F").status == 502
    assert office.ask("GET", "/files/web-page?url=file%3A%2F%2F%2Fetc%2Fpasswd").status == 422
