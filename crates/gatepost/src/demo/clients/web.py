"""A person with a web browser, reduced to what it takes: cookies, redirects and forms.

Signs in to Gatepost through the company's provider or by local password, and makes or revokes an
app password on the devices page, or signs in to an app. Cookies are kept in a file, so that several calls are one visit.
"""

import argparse
import http.cookiejar
import html.parser
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

PASSWORD_VARIABLE = "GATEPOST_CLIENT_PASSWORD"
APP_PASSWORD = re.compile(r"gp[a-z2-9]{2}(?:-[a-z2-9]{4}){7}")
REFERENCE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
CODE = re.compile(r"\b(?:SSO|LOCAL|MAIL|OAUTH)-\d{3}\b")


class Refused(Exception):
    """The page is not the one that was hoped for."""


class Reader(html.parser.HTMLParser):
    """The text, title, links and forms of a page."""

    def __init__(self):
        super().__init__()
        self.title, self.words, self.links, self.forms = "", [], [], []
        self.onward = ""
        self._form, self._inside, self._link = None, [], None

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self._inside.append(tag)
        if tag == "a" and "href" in values:
            self._link = [values["href"], ""]
        elif tag == "form":
            self._form = {"action": values.get("action", ""), "id": values.get("id"),
                          "method": values.get("method", "get").lower(), "fields": []}
            self.forms.append(self._form)
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.onward = values.get("content", "").partition("url=")[2]
        elif tag == "input" and self._form is not None and "name" in values:
            kind = values.get("type", "text")
            ticked = kind not in ("checkbox", "radio") or "checked" in values
            self._form["fields"].append([values["name"], values.get("value", ""), kind, ticked])

    def handle_endtag(self, tag):
        if tag == "a" and self._link:
            self.links.append(self._link)
            self._link = None
        if tag == "form":
            self._form = None
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data):
        if "title" in self._inside:
            self.title += data
        elif not {"script", "style"} & set(self._inside):
            self.words.append(data)
        if self._link:
            self._link[1] += data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


class Page:
    def __init__(self, url, status, body):
        self.url, self.status, self.body = url, status, body
        self.reader = Reader()
        self.reader.feed(body)

    def form(self, *, having=None, number=0):
        """The form with a field or action of that name, else the one at that place."""
        for form in self.reader.forms:
            names = {field[0] for field in form["fields"]}
            if having is None or having in names or having in form["action"]:
                if number == 0:
                    return form
                number -= 1
        raise Refused(f"no form with {having!r} on {self.url}: {self.reader.text[:300]}")


class Browser:
    def __init__(self, jar_file):
        self.jar = http.cookiejar.LWPCookieJar(jar_file)
        if os.path.exists(jar_file):
            self.jar.load(ignore_discard=True)
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.addheaders = [("User-Agent", "Gatepost walkthrough")]

    def open(self, url, form=None, origin=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(url, data)
        if origin:
            request.add_header("Origin", origin)
            request.add_header("Sec-Fetch-Site", "same-origin")
        try:
            answer = self.opener.open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        body = answer.read().decode("utf-8", "replace")
        self.jar.save(ignore_discard=True)
        page = Page(answer.geturl(), answer.status, body)
        onward = page.reader.onward
        return self.open(urllib.parse.urljoin(page.url, onward)) if onward else page

    def submit(self, page, form, **values):
        fields = [(name, value) for name, value, kind, ticked in form["fields"]
                  if ticked and kind != "submit" and name not in values]
        for name, value in values.items():
            fields += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
        target = urllib.parse.urljoin(page.url, form["action"])
        parts = urllib.parse.urlsplit(page.url)
        if form["method"] == "get":
            return self.open(f"{target}?{urllib.parse.urlencode(fields)}")
        return self.open(target, fields, f"{parts.scheme}://{parts.netloc}")


def evidence(page, **more):
    """What is worth telling of a page."""
    found = {"ok": True, "url": page.url, "status": page.status, "title": page.reader.title.strip()}
    for name, pattern in (("reference", REFERENCE), ("code", CODE)):
        match = pattern.search(page.reader.text)
        if match:
            found[name] = match.group(0)
    if page.status >= 400:
        found["text"] = page.reader.text[:400]
    return {**found, **more}


def at_provider(browser, page, user, password):
    """Signs in at the company's own page, if the browser landed there."""
    if any(f["id"] == "sign-in" for f in page.reader.forms) and "/login" in page.url:
        page = browser.submit(page, page.form(having="password"), username=user, password=password)
    return page


def sign_in(browser, options, password):
    page = browser.open(f"{options.base}/sso/{options.provider}/start")
    page = at_provider(browser, page, options.user, password)
    return evidence(page, home=page.url.rstrip("/").endswith("/home"))


def sign_in_local(browser, options, password):
    page = browser.open(f"{options.base}/")
    page = browser.submit(page, page.form(having="password"), name=options.user, password=password)
    return evidence(page, home=page.url.rstrip("/").endswith("/home"))


def make_device(browser, options, password):
    page = browser.open(f"{options.base}/devices/new")
    page = browser.submit(page, page.form(having="name"), name=options.device,
                          protocols=["imap", "pop3", "smtp", "sieve"])
    match = APP_PASSWORD.search(page.reader.text) or APP_PASSWORD.search(page.body)
    if not match:
        raise Refused(f"no app password on {page.url}: {page.reader.text[:300]}")
    again = browser.open(page.url)
    return evidence(page, password=match.group(0), shown_again=bool(APP_PASSWORD.search(again.body)))


def revoke_device(browser, options, password):
    page = browser.open(f"{options.base}/devices")
    for link, label in page.reader.links:
        if link.endswith("/revoke"):
            ask = browser.open(urllib.parse.urljoin(page.url, link))
            if options.device in ask.reader.text:
                return evidence(browser.submit(ask, ask.form(having="/revoke")))
    raise Refused(f"no device {options.device!r} on {page.url}")


def follow(browser, page, within):
    """The first link whose address holds these characters."""
    for link, _ in page.reader.links:
        if within in link:
            return browser.open(urllib.parse.urljoin(page.url, link))
    raise Refused(f"no link to {within} on {page.url}: {page.reader.text[:300]}")


def app(browser, options, password):
    """From the app's start page by way of Gatepost and the provider back to it."""
    page = follow(browser, browser.open(options.app), "/sign-in")
    page = follow(browser, page, f"/sso/{options.provider}/start")
    page = at_provider(browser, page, options.user, password)
    asked = page.reader.text
    page = browser.submit(page, page.form(having="request"), answer="allow")
    seen = json.loads(browser.open(f"{options.app}/seen").body)
    return evidence(page, reads=page.reader.text, asked=asked, seen=seen)


def app_again(browser, options, password):
    """The app asks Gatepost once more, with the token it has."""
    page = browser.open(f"{options.app}/again")
    return evidence(page, **json.loads(page.body))


ACTIONS = {"sign-in": sign_in, "sign-in-local": sign_in_local,
           "make-device": make_device, "revoke-device": revoke_device,
           "app": app, "app-again": app_again}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("base", help="Gatepost's address, without slash at the end")
    parser.add_argument("--jar", required=True, help="file for the cookies")
    parser.add_argument("--provider", default="example-sso")
    parser.add_argument("--user", help="name at the provider, or address for local sign-in")
    parser.add_argument("--device", help="name of the device")
    parser.add_argument("--app", help="the app's address, without slash at the end")
    options = parser.parse_args()
    try:
        result = ACTIONS[options.action](Browser(options.jar), options,
                                         os.environ.get(PASSWORD_VARIABLE, ""))
    except (Refused, OSError) as error:
        print(json.dumps({"ok": False, "error": str(error)}))
        return 1
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
