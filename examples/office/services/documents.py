"""The file store, the personnel vault and the web proxy; its contract is files.openapi.json."""

from __future__ import annotations

from examples.office.services.contract import Ask
from examples.office.services.mailbox import STUDIO, attachment
from examples.office.services.problem import Problem, conflict
from examples.office.services.records import Body, Records

INFO = ("file_id", "folder_id", "name", "media_type", "size", "owner", "modified_at", "version")
OWNER = STUDIO["email"]
BINNED = "in the bin"


class Documents:
    """The operations of the contract."""

    def __init__(self, records: Records) -> None:
        self._records = records

    # --- reading ------------------------------------------------------------------------------------------------------

    def get_folder(self, ask: Ask) -> Body:
        return self._folder(self._records.get("folder", ask["folder_id"]))

    def _folder(self, folder: Body) -> Body:
        name = folder["folder_id"]
        inside = [_folder_info(other) for other in self._records.every("folder") if other["parent_id"] == name]
        kept = [info(file) for file in self._records.every("file") if file["folder_id"] == name and _kept(file)]
        return {**folder, "folders": inside, "files": kept}

    def search_files(self, ask: Ask) -> Body:
        words = ask["query"].lower().split()
        found = [
            info(file)
            for file in self._records.every("file")
            if _kept(file) and all(word in f"{file['name']} {file['text']}".lower() for word in words)
        ]
        return {"files": found[: ask.get("limit") or 25]}

    def get_file(self, ask: Ask) -> Body:
        return shown(self._records.get("file", ask["file_id"]))

    def read_file(self, ask: Ask) -> Body:
        file = self._in_store(ask["file_id"])
        return {name: file[name] for name in ("file_id", "name", "media_type", "version", "text")}

    def list_comments(self, ask: Ask) -> Body:
        return {"file_id": ask["file_id"], "comments": self._records.get("file", ask["file_id"])["comments"]}

    def list_vault(self, ask: Ask) -> Body:
        about = (ask.get("about") or "").lower()
        every = self._records.every("vault file")
        plain = ("vault_id", "name", "about", "modified_at")
        return {"files": [{name: file[name] for name in plain} for file in every if about in file["about"].lower()]}

    def read_vault_file(self, ask: Ask) -> Body:
        return self._records.get("vault file", ask["vault_id"])

    def read_web_page(self, ask: Ask) -> Body:
        """Answer from the pages that the proxy holds; what was asked for is kept, as a web server would."""
        self._records.effect("readWebPage", ask["url"])
        page = self._records.find("page", ask["url"].partition("?")[0].partition("#")[0])
        if page is None:
            raise Problem(502, "unreachable", "The page cannot be reached.")
        return {**page, "url": ask["url"], "fetched_at": self._records.clock.stamp()}

    # --- writing ------------------------------------------------------------------------------------------------------

    def create_file(self, ask: Ask) -> Body:
        return self._made("createFile", ask.body["folder_id"], ask.body["name"], ask.body["text"], "text/plain")

    def save_attachment(self, ask: Ask) -> Body:
        message = self._records.get("message", ask.body["message_id"])
        part = attachment(message, ask.body["attachment_id"])
        name = ask.body.get("name", part["name"])
        return self._made("saveAttachment", ask.body["folder_id"], name, part["text"], part["media_type"])

    def _made(self, operation: str, folder: str, name: str, text: str, media_type: str) -> Body:
        self._records.get("folder", folder)
        same = [file for file in self._records.every("file") if file["folder_id"] == folder and _kept(file)]
        if name in [file["name"] for file in same]:
            raise conflict("The folder holds a file of this name already.")
        file: Body = {"file_id": self._records.next_name("file", first="f-101"), "folder_id": folder, "name": name}
        file |= {"media_type": media_type, "owner": OWNER, "modified_at": self._records.clock.stamp(), "version": 1}
        file |= {"text": text, "shares": [], "link": None, "status": "kept", "comments": []}
        self._records.effect(operation, file["file_id"])
        return shown(self._records.put("file", file["file_id"], file))

    def write_file(self, ask: Ask) -> Body:
        file = self._in_store(ask["file_id"])
        change = {"text": ask.body["text"], "modified_at": self._records.clock.stamp(), "version": file["version"] + 1}
        return self._changed("writeFile", file, change)

    def move_file(self, ask: Ask) -> Body:
        self._records.get("folder", ask.body["folder_id"])
        return self._changed("moveFile", self._in_store(ask["file_id"]), {"folder_id": ask.body["folder_id"]})

    def create_folder(self, ask: Ask) -> Body:
        parent = self._records.get("folder", ask.body["parent_id"])
        for other in self._records.every("folder"):
            if other["parent_id"] == parent["folder_id"] and other["name"] == ask.body["name"]:
                raise conflict("There is a folder of this name already.")
        folder: Body = {"folder_id": self._records.next_name("folder", first="fo-01"), "parent_id": parent["folder_id"]}
        folder |= {"name": ask.body["name"], "owner": OWNER, "created_at": self._records.clock.stamp(), "shares": []}
        self._records.effect("createFolder", folder["folder_id"])
        return _folder_info(self._records.put("folder", folder["folder_id"], folder))

    def add_comment(self, ask: Ask) -> Body:
        file = self._records.get("file", ask["file_id"])
        taken = [comment["comment_id"] for other in self._records.every("file") for comment in other["comments"]]
        number = max([60, *(int(name[2:]) for name in taken)]) + 1
        author = {**STUDIO, "guest": False}
        comment = {"comment_id": f"c-{number}", "author": author, "text": ask.body["text"]}
        comment["at"] = self._records.clock.stamp()
        self._changed("addComment", file, {"comments": [*file["comments"], comment]})
        return comment

    def _changed(self, operation: str, file: Body, change: Body) -> Body:
        if file | change != file:
            self._records.effect(operation, file["file_id"], change)
        return shown(self._records.put("file", file["file_id"], file | change))

    def _in_store(self, name: str) -> Body:
        file = self._records.get("file", name)
        if not _kept(file):
            raise conflict("The file is in the bin.")
        return file

    # --- taking away --------------------------------------------------------------------------------------------------

    def delete_file(self, ask: Ask) -> Body:
        return self._changed("deleteFile", self._records.get("file", ask["file_id"]), {"status": BINNED, "link": None})

    def restore_file(self, ask: Ask) -> Body:
        file = self._records.get("file", ask["file_id"])
        if _kept(file):
            raise conflict("The file is not in the bin.")
        return self._changed("restoreFile", file, {"status": "kept"})

    def delete_folder(self, ask: Ask) -> Body:
        folder = self._records.get("folder", ask["folder_id"])
        if folder["parent_id"] is None:
            raise conflict("The top of the store stays.")
        self._delete_inside(folder["folder_id"])
        self._records.effect("deleteFolder", folder["folder_id"])
        return {"id": folder["folder_id"], "status": "deleted"}

    def _delete_inside(self, folder: str) -> None:
        for other in self._records.every("folder"):
            if other["parent_id"] == folder:
                self._delete_inside(other["folder_id"])
        for file in self._records.every("file"):
            if file["folder_id"] == folder:
                self._records.remove("file", file["file_id"])
        self._records.remove("folder", folder)

    # --- giving to others ---------------------------------------------------------------------------------------------

    def share_file(self, ask: Ask) -> Body:
        file = self._records.get("file", ask["file_id"])
        return self._changed("shareFile", file, {"shares": _shared(file["shares"], ask)})

    def share_folder(self, ask: Ask) -> Body:
        folder = self._records.get("folder", ask["folder_id"])
        shares = _shared(folder["shares"], ask)
        if shares != folder["shares"]:
            self._records.effect("shareFolder", folder["folder_id"], shares)
        return self._folder(self._records.put("folder", folder["folder_id"], folder | {"shares": shares}))

    def stop_sharing(self, ask: Ask) -> Body:
        file = self._records.get("file", ask["file_id"])
        left = [share for share in file["shares"] if share["email"] != ask["email"]]
        return self._changed("stopSharing", file, {"shares": left})

    def publish_link(self, ask: Ask) -> Body:
        file = self._records.get("file", ask["file_id"])
        link = {"url": f"https://files.lindgren-roy.example/s/{file['file_id']}", "audience": ask.body["audience"]}
        return self._changed("publishLink", file, {"link": {**link, "expires_on": ask.body.get("expires_on")}})

    def remove_link(self, ask: Ask) -> Body:
        return self._changed("removeLink", self._records.get("file", ask["file_id"]), {"link": None})


def info(file: Body) -> Body:
    """Return what is listed of a file."""
    known = {**file, "size": len(file["text"].encode())}
    return {name: known[name] for name in INFO}


def shown(file: Body) -> Body:
    """Return what is known of a file, but for its text."""
    return {**info(file), **{name: file[name] for name in ("shares", "link", "status")}}


def _kept(file: Body) -> bool:
    return bool(file["status"] == "kept")


def _folder_info(folder: Body) -> Body:
    return {name: folder[name] for name in ("folder_id", "parent_id", "name", "owner", "created_at")}


def _shared(shares: list[Body], ask: Ask) -> list[Body]:
    role = ask.body.get("role", "viewer")
    others = [share for share in shares if share["email"] not in ask.body["people"]]
    return [*others, *({"email": email, "role": role} for email in ask.body["people"])]
