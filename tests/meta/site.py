"""Looks at a site that docs/site/build.py made: every link and anchor leads somewhere inside it, ids occur
once, and nothing is fetched from elsewhere. Prints what is wrong, then how much was looked at."""
import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlparse

root = sys.argv[1]
FETCHED = {('script', 'src'), ('img', 'src'), ('link', 'href'), ('iframe', 'src'), ('source', 'src')}


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == 'id':
                self.ids.append(value)
            elif name in ('href', 'src'):
                self.links.append((tag, name, value))


pages, bad = {}, []
for folder, _, names in os.walk(root):
    for name in names:
        if name.endswith('.html'):
            path = os.path.join(folder, name)
            pages[path] = Reader()
            pages[path].feed(open(path, encoding='utf-8').read())
links = 0
for path, page in pages.items():
    if len(set(page.ids)) != len(page.ids):
        bad.append(f'{path}: an id occurs twice')
    for tag, name, value in page.links:
        links += 1
        parts = urlparse(value)
        if parts.scheme or parts.netloc:
            if (tag, name) in FETCHED:
                bad.append(f'{path}: fetches {value}')
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(path), unquote(parts.path))) if parts.path else path
        if value.startswith('/') or os.path.relpath(target, root).startswith('..') or not os.path.isfile(target):
            bad.append(f'{path}: the link {value} leads nowhere')
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            bad.append(f'{path}: the anchor {value} leads nowhere')
print('\n'.join(bad) if bad else f'{len(pages)} pages, {links} links')
sys.exit(bool(bad))
