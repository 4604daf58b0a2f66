#!/usr/bin/env python3
"""Reports in a real browser: a headless Chromium, led over its own pipe (no driver is needed).

browser.py test PAGES [KIND]
                            each page of PAGES (report_pages), or one, at three sizes, light, dark and in
                            print; without KIND also planted defects, each of which must be found
browser.py shots PAGE DIR   a screenshot of one page for each size and scheme, for eyes
browser.py picture PAGE PNG one screenshot of its first 1200 pixels, 1240 wide: the README's
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SIZES = ((1400, 900), (800, 1000), (390, 844))
# Paper is white whatever a screen would like.
LOOKS = {'light': ('screen', 'light'), 'dark': ('screen', 'dark'), 'print': ('print', 'dark')}
LOOK = (pathlib.Path(__file__).parent / 'look.js').read_text()
FACTS = ('contract', 'claim', 'verdict', 'model', 'device', 'driver', 'host', 'commit', 'status',
         'evidence', 'unseen')

# What the first screen of each page says: of every page all of FACTS, of some a word of each.
EXPECTED = {
    'device': {'contract': 'qwen3-moe-forward-gpu-v1', 'claim': 'the same bits on the CPU and on the GPU',
               'verdict': 'Verified', 'model': 'tiny-coder-moe-Q4_K_M', 'digest': '9f2c4e1ab07d',
               'device': 'NVIDIA H200', 'driver': 'CUDA 13.0', 'host': 'Xeon', 'commit': '28a5f78c0d1e',
               'status': 'ACTIVE_RUNTIME', 'unseen': 'none of 12'},
    'refuted': {'verdict': 'Falsified', 'device': 'no GPU', 'unseen': '2 of 12', 'digest': '9f2c4e1ab07d'},
    'carried': {'verdict': 'Verified', 'device': 'no GPU', 'unseen': 'AC_GPU_MOE_001', 'evidence': 'by receipt'},
    'long': {'verdict': 'Falsified', 'unseen': '8 of 24', 'digest': '9f2c4e1ab07d', 'commit': '28a5f78'},
    'every': {'verdict': 'Falsified'},
    'hostile': {'verdict': 'Falsified', 'claim': '<script>alert(1)</script>'},
}

STYLE = "const s = document.createElement('style'); s.textContent = `%s`; document.head.append(s)"
# Name: the page, size and look that it is planted in, the script that plants it, the finding. Each
# stands for a slip of whoever changes the page.
PLANTED = {
    'a box wider than the page': ('device', 2, 'light', STYLE % '.hero{width:500px}', 'overflow: '),
    'a name that does not break': ('long', 0, 'light', STYLE % 'td,th,.claim{overflow-wrap:normal!important}', 'overflow: '),
    'a cell that is cut off': ('device', 0, 'light', STYLE % 'td{display:block;max-width:40px;overflow:hidden}', 'clipped: '),
    'a claim cut to one line': ('refuted', 2, 'light', STYLE % 'header p{overflow:hidden;max-height:1.4em}', 'clipped: '),
    'grey on white': ('device', 1, 'light', STYLE % '.dim{color:#8a949f}', 'contrast: '),
    'grey on black': ('device', 1, 'dark', STYLE % '.dim{color:#5a646f}', 'contrast: '),
    'a tally that fades': ('device', 1, 'light', STYLE % '.tally li{opacity:.55}', 'contrast: '),
    'pale letters in a plot': ('device', 0, 'light', STYLE % '.pt{fill:#9aa4ae}', 'contrast: '),
    'dark colours on paper': ('device', 1, 'print', STYLE % ':root{--text:#e4e9ee}', 'contrast: '),
    'a pale label before a cell': ('device', 2, 'light', STYLE % 'td::before{color:#aab!important}', 'contrast: '),
    'a plot too small to read': ('device', 2, 'light', STYLE % 'figure svg.plot{min-width:0!important}', 'plot: '),
    'labels on top of each other': ('device', 0, 'light', STYLE % '.plot .pt{font-size:30px}', 'plot: '),
    'a banner over the first screen': ('device', 0, 'light', STYLE % 'header{padding-top:500px}', 'first: '),
    'a first screen too long for a telephone': ('long', 2, 'light', STYLE % '.first dd{font-size:19px}', 'first: '),
    'no commit': ('device', 0, 'light', "document.querySelector('[data-first=commit]').remove()", 'first: commit'),
    'another digest': ('device', 0, 'light', "document.querySelector('[data-first=digest]').textContent = 'abc'", 'first: digest'),
    'a claim that is hidden': ('device', 0, 'light', STYLE % 'header p{visibility:hidden}', 'first: claim'),
    'an anchor that went away': ('device', 0, 'light', "document.getElementById('f3').removeAttribute('id')", 'link: '),
    'a line that is not there': ('device', 0, 'light', "document.getElementById('L9').remove()", 'link: '),
    'an anchor twice': ('device', 0, 'light', "document.getElementById('c2').id = 'c1'", 'link: '),
    'a file that is not there': ('device', 0, 'light', "document.querySelector('a[href=\"evidence.json\"]').href = 'nothing.json'", 'file: '),
    'a picture from elsewhere': ('device', 0, 'light', "document.body.append(Object.assign(new Image(), {src: 'https://example.org/a.png'}))", 'outside: '),
}


class Browser:
    """One tab. Commands and answers are JSON with a zero byte behind, on file descriptors 3 and 4."""

    def __init__(self):
        program = next((p for p in map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome')) if p), None)
        if program is None:
            sys.exit('a headless Chromium looks at the pages: apt-get install chromium')
        self.home = tempfile.mkdtemp()
        to_child, self.writer = os.pipe()
        self.reader, from_child = os.pipe()

        def place():
            low, high = os.dup(to_child), os.dup(from_child)
            os.dup2(low, 3)
            os.dup2(high, 4)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run',
             '--disable-dev-shm-usage', '--remote-debugging-pipe', '--user-data-dir=' + self.home, 'about:blank'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            close_fds=False, preexec_fn=place)
        os.close(to_child)
        os.close(from_child)
        self.left, self.last, self.session = b'', 0, None
        tab = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=tab, flatten=True)['sessionId']
        self.call('Page.enable')

    def hear(self):
        while b'\0' not in self.left:
            more = os.read(self.reader, 1 << 20)
            if not more:
                sys.exit('the browser ended without an answer')
            self.left += more
        line, self.left = self.left.split(b'\0', 1)
        return json.loads(line)

    def call(self, method, **params):
        self.last += 1
        message = {'id': self.last, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.writer, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.hear()
            if answer.get('id') == self.last:
                if 'error' in answer:
                    sys.exit(f'{method}: {answer["error"]["message"]}')
                return answer['result']

    def show(self, path, size, look):
        media, scheme = LOOKS[look]
        self.call('Emulation.setDeviceMetricsOverride', width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', media=media, features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        if path is None:
            return
        self.call('Page.navigate', url=path.resolve().as_uri())
        while self.hear().get('method') != 'Page.loadEventFired':
            pass

    def evaluate(self, script):
        answer = self.call('Runtime.evaluate', expression=script, returnByValue=True)
        if 'exceptionDetails' in answer:
            sys.exit('in the page: ' + answer['exceptionDetails']['exception'].get('description', script))
        return answer['result'].get('value')

    def picture(self, file, whole=False):
        data = self.call('Page.captureScreenshot', format='png', captureBeyondViewport=whole)['data']
        pathlib.Path(file).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


def look_at(browser, page, facts):
    """What is wrong with the page that is shown; a link to a file that is there is right."""
    found = browser.evaluate(f'({LOOK.strip()})({json.dumps(facts)})')
    return [line for line in found
            if not (line.startswith('file: ') and (page.parent / line[6:]).is_file())]


def facts_of(kind, look):
    facts = {**dict.fromkeys(FACTS, ''), **EXPECTED[kind]}
    return {} if look == 'print' else facts  # paper has no first screen


def test(pages, only):
    passed = failed = 0

    def count(right, text):
        nonlocal passed, failed
        passed += right
        failed += not right
        if not right:
            print(text)

    browser = Browser()
    for kind in EXPECTED if only is None else [only]:
        page = pages / kind / 'report.html'
        for size in SIZES:
            for look in LOOKS:
                browser.show(page, size, look)
                found = look_at(browser, page, facts_of(kind, look))
                more = [f'  and {len(found) - 12} more'] if len(found) > 12 else []
                count(not found, '\n  '.join([f'{kind} at {size[0]}x{size[1]}, {look}:'] + found[:12] + more))
    for name, (kind, size, look, script, finding) in PLANTED.items() if only is None else ():
        page = pages / kind / 'report.html'
        browser.show(page, SIZES[size], look)
        browser.evaluate(f'(() => {{ {script} }})()')
        found = look_at(browser, page, facts_of(kind, look))
        count(any(line.startswith(finding) for line in found),
              f'planted, and not found: {name}: want "{finding}", got {found[:6]}')
    browser.close()
    print(f'{passed} passed, {failed} failed')
    return failed > 0


def shots(page, folder):
    browser = Browser()
    folder.mkdir(parents=True, exist_ok=True)
    for size in SIZES:
        for look in LOOKS:
            browser.show(page, size, look)
            browser.picture(folder / f'{size[0]}-{look}.png', whole=True)
    browser.close()


def main(argv):
    if len(argv) in (2, 3) and argv[0] == 'test':
        return test(pathlib.Path(argv[1]), argv[2] if len(argv) > 2 else None)
    if len(argv) == 3 and argv[0] == 'shots':
        return shots(pathlib.Path(argv[1]), pathlib.Path(argv[2]))
    if len(argv) == 3 and argv[0] == 'picture':
        browser = Browser()
        browser.show(pathlib.Path(argv[1]), (1240, 1200), 'light')
        browser.picture(argv[2])
        return browser.close()
    sys.exit(__doc__)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
