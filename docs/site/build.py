#!/usr/bin/env python3
"""Makes the site of the documents: every Markdown page of the repository as HTML, with search, that opens
from a folder without a server and fetches nothing from elsewhere.

    docs/site/build.py OUT

What a page links to goes along: another page, a file, a folder as a list. A link or an anchor that leads
nowhere is an error, and then OUT is as it was. Needs cmark-gfm and git."""
import html
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Whose pages these are not: evidence has its own, tests speak to those who change them.
ELSEWHERE = ('reports/published/', 'tests/')
GROUPS = (('Begin', ('README.md', 'docs/tutorial.md', 'docs/judge-an-engine.md', 'docs/kernel-descriptor.md',
                     'docs/cpu-kernels.md')),
          ('Reference', ('docs/',)), ('Cases', ('docs/cases/',)),
          ('Engines and models', ('engines/', 'models/')), ('The project', ('CONTRIBUTING.md', 'CHANGELOG.md')))


def fail(place, what):
    sys.exit(f'{place}: error: {what}')


def sources():
    listed = subprocess.run(['git', '-C', ROOT, 'ls-files', '-z', '--', '*.md'], check=True, capture_output=True)
    names = sorted(name for name in listed.stdout.decode().split('\0') if name)
    return [name for name in names if not name.startswith(ELSEWHERE) and os.path.exists(os.path.join(ROOT, name))]


def address(source):
    return 'index.html' if source == 'README.md' else source[:-3] + '.html'


def group_of(source):
    """The most exact entry decides."""
    best = max(((len(entry), group) for group, entries in GROUPS for entry in entries
                if source.startswith(entry)), default=None)
    return best[1] if best else GROUPS[1][0]


def plain(fragment):
    return html.unescape(re.sub(r'<[^>]*>', '', fragment)).strip()


class Page:
    def __init__(self, source):
        self.source, self.address = source, address(source)
        body = subprocess.run(
            ['cmark-gfm', '--validate-utf8', '-e', 'table', '-e', 'strikethrough', os.path.join(ROOT, source)],
            check=True, capture_output=True).stdout.decode()
        self.anchors, self.sections = set(), []
        self.body = re.sub(r'<h([1-6])>(.*?)</h\1>', self.heading, body, flags=re.S)
        self.title = self.sections[0][1] if self.sections else source
        if source == 'README.md':
            self.title = 'pv'

    def heading(self, found):
        """Anchors are those that GitHub gives, so that links hold in both places."""
        level, inner = found.groups()
        text = plain(inner)
        name = re.sub(r'[^\w\- ]', '', text.lower()).replace(' ', '-')
        anchor, number = name, 0
        while anchor in self.anchors:
            number += 1
            anchor = f'{name}-{number}'
        self.anchors.add(anchor)
        self.sections.append((anchor, text))
        return f'<h{level} id="{anchor}"><a class="anchor" href="#{anchor}">{inner}</a></h{level}>'

    def parts(self):
        """For the search: (anchor, heading, text) of what stands under each heading."""
        pieces = re.split(r'<h[1-6] id="([^"]*)">(.*?)</h[1-6]>', self.body, flags=re.S)
        for i in range(1, len(pieces), 3):
            yield pieces[i], plain(pieces[i + 1]), ' '.join(plain(pieces[i + 2]).split())


class Site:
    def __init__(self, out):
        self.out = out
        self.pages = {source: Page(source) for source in sources()}
        self.files, self.folders = set(), set()

    def relative(self, page, target):
        return posixpath.relpath(target, posixpath.dirname(page.address) or '.')

    def link(self, page, target):
        """Where a link of the source leads in the site; what is linked to is noted."""
        if re.match(r'[a-z][a-z0-9+.-]*:', target):
            return target
        path, _, anchor = html.unescape(target).partition('#')
        source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path)) if path else page.source
        real = os.path.join(ROOT, source)
        if source in self.pages:
            other = self.pages[source]
            if anchor and anchor not in other.anchors:
                fail(page.source, f"there is no heading '#{anchor}' in {source}")
            if not path:
                return '#' + anchor
            return self.relative(page, other.address) + ('#' + anchor if anchor else '')
        if source.startswith('..') or not os.path.exists(real):
            fail(page.source, f"the link '{target}' leads nowhere")
        if os.path.isdir(real):
            self.folders.add(source)
            return self.relative(page, source + '/index.html')
        self.files.add(source)
        return self.relative(page, source)

    def navigation(self, page):
        lines = []
        for group, entries in GROUPS:
            inside = [p for p in self.pages.values() if group_of(p.source) == group]
            inside.sort(key=lambda p: (entries.index(p.source) if p.source in entries else len(entries), p.title))
            lines.append(f'<h2>{group}</h2><ul>')
            for other in inside:
                here = ' aria-current="page"' if other is page else ''
                lines.append(f'<li><a href="{self.relative(page, other.address)}"{here}>'
                             f'{html.escape(other.title)}</a></li>')
            lines.append('</ul>')
        return '\n'.join(lines)

    def frame(self, page, body):
        up = self.relative(page, '.')
        up = '' if up == '.' else up + '/'
        return f'''<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(page.title)}{'' if page.title == 'pv' else ' · pv'}</title>
<link rel="stylesheet" href="{up}site.css">
<script defer src="{up}search-index.js"></script>
<script defer src="{up}search.js"></script>
</head>
<body data-up="{up}">
<a class="skip" href="#content">To the text</a>
<nav aria-label="Pages">
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" placeholder="a word, an option, an error">
<ol id="found" hidden></ol>
{self.navigation(page)}
</nav>
<main id="content">
{body}
</main>
</body>
</html>
'''

    def write(self, name, text):
        path = os.path.join(self.out, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def copy(self, source):
        path = os.path.join(self.out, source)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(os.path.join(ROOT, source), path)

    def write_folder(self, folder):
        names = sorted(os.listdir(os.path.join(ROOT, folder)))
        names = [n for n in names if os.path.isfile(os.path.join(ROOT, folder, n))]
        for name in names:
            self.copy(posixpath.join(folder, name))
        items = ''.join(f'<li><a href="{html.escape(n)}">{html.escape(n)}</a></li>' for n in names)
        self.write(folder + '/index.html', '<!DOCTYPE html><html lang="en"><meta charset="utf-8">'
                   f'<title>{html.escape(folder)}</title><h1>{html.escape(folder)}</h1><ul>{items}</ul></html>\n')

    def build(self):
        index = []
        for page in self.pages.values():
            body = re.sub(r'(<(?:a|img)\b[^>]*? (?:href|src)=")([^"]*)(")',
                          lambda m: m[1] + html.escape(self.link(page, m[2])) + m[3], page.body)
            body = re.sub(r'<table>.*?</table>', r'<div class="wide">\g<0></div>', body, flags=re.S)
            self.write(page.address, self.frame(page, body))
            index += [[page.address, anchor, page.title, heading, text] for anchor, heading, text in page.parts()]
        for file in self.files:
            self.copy(file)
        for folder in self.folders:
            self.write_folder(folder)
        self.write('search-index.js', 'var PV_INDEX = ' + json.dumps(index, ensure_ascii=False) + ';\n')
        for name in ('site.css', 'search.js'):
            shutil.copyfile(os.path.join(HERE, name), os.path.join(self.out, name))
        return f'{len(self.pages)} pages, {len(index)} sections'


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit('usage: docs/site/build.py OUT')
    if shutil.which('cmark-gfm') is None:
        sys.exit('error: cmark-gfm is not installed\n  apt-get install cmark-gfm')
    out = sys.argv[1]
    # What was there of an older site goes; anything else is not ours to remove.
    if os.path.exists(out) and os.listdir(out) and not os.path.exists(os.path.join(out, 'search-index.js')):
        fail(out, 'there is something else in this folder')
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(out))) as whole:
        told = Site(os.path.join(whole, 'site')).build()
        shutil.rmtree(out, ignore_errors=True)
        os.rename(os.path.join(whole, 'site'), out)
    print(f'{os.path.join(out, "index.html")}: {told}')


main()
