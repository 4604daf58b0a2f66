#include "reports/render/html_parts.h"

static const char *const style[] = {
    ":root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--line:#dfe3e8;--soft:#eef1f4;"
    "--text:#1c232b;--dim:#586472;--pass:#08744f;--fail:#b3360a;--wait:#5d6875;--warn:#8a5a00;"
    "--failbg:#b3360a;--onfail:#fff;--link:#0064a0}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#0d1014;--card:#14181d;--line:#2a313a;"
    "--soft:#1c2229;--text:#e4e9ee;--dim:#9ba7b4;--pass:#42cf9f;--fail:#ff9468;--wait:#a3afbc;"
    "--warn:#f0b95a;--failbg:#ff8f62;--onfail:#1c0b03;--link:#72bdf5}}\n"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"
    "'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    "main{max-width:1240px;margin:0 auto;padding:28px 24px 64px}"
    "h1{font-size:20px;font-weight:600;margin:0;overflow-wrap:anywhere}"
    "h1 small{color:var(--dim);font-weight:400;font-size:15px;margin-left:6px}"
    "h2{font-size:17px;margin:36px 0 12px}h3{font-size:15px;margin:0 0 8px}"
    "p{margin:0 0 10px}code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"
    "'DejaVu Sans Mono',monospace;font-size:.87em}code{overflow-wrap:anywhere}"
    "pre{margin:0;padding:14px 16px;background:var(--soft);border-radius:8px;overflow-x:auto;"
    "white-space:pre-wrap;overflow-wrap:anywhere}.dim{color:var(--dim)}\n",
    ".card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px "
    "20px}"
    ".hero{margin-top:16px;padding:22px 24px;border-left-width:6px}"
    ".hero.pass{border-left-color:var(--pass)}.hero.fail{border-left:10px double var(--fail)}"
    ".hero.notrun{border-left:6px dashed var(--wait)}"
    ".hero .word{display:flex;align-items:center;gap:12px;font-size:30px;font-weight:700;"
    "letter-spacing:-.01em;line-height:1.15;margin:0 0 8px}.hero .word svg{width:34px;height:34px}"
    ".hero.pass .word{color:var(--pass)}.hero.fail .word{color:var(--fail)}"
    ".hero.notrun .word{color:var(--wait)}.hero .say{font-size:17px;max-width:75ch;margin:0}\n"
    ".ladder{display:flex;flex-wrap:wrap;gap:6px;list-style:none;margin:18px 0 6px;padding:0}"
    ".ladder li{flex:1 1 170px;padding:8px 12px;border:1px solid var(--line);border-radius:8px;"
    "font-size:12.5px;color:var(--dim);background:var(--soft)}"
    ".ladder b{display:block;font-weight:600;font-size:12px;letter-spacing:.02em;"
    "overflow-wrap:anywhere}.ladder .held{color:var(--pass);border-color:currentColor}"
    ".ladder .gap{color:var(--fail);border:2px dashed currentColor;background:none}"
    ".ladder span{display:block;min-height:1.4em}\n"
    ".tally{display:flex;flex-wrap:wrap;gap:8px 26px;margin:14px 0 0;padding:0;list-style:none;"
    "font-variant-numeric:tabular-nums}.tally li{display:flex;align-items:center;gap:7px}"
    ".tally b{font-size:18px}.tally .zero{opacity:.55}\n",
    ".ic{width:16px;height:16px;flex:none;vertical-align:-3px}"
    ".v{display:inline-flex;align-items:center;gap:6px;font-size:12.5px;font-weight:600;"
    "white-space:nowrap;padding:2px 9px 2px 7px;border-radius:99px;border:1px solid currentColor}"
    ".v .ic{width:14px;height:14px}.v.pass,.i.pass{color:var(--pass)}"
    ".v.fail,.v.vacuous{background:var(--failbg);color:var(--onfail);border-color:var(--failbg);"
    "border-radius:3px}.i.fail,.i.vacuous{color:var(--fail)}"
    ".v.notrun,.v.stale,.v.apart{color:var(--wait);border-style:dashed}"
    ".i.notrun,.i.stale,.i.apart{color:var(--wait)}"
    ".v.error,.v.crash,.v.timeout,.v.incomparable{color:var(--warn);border-radius:3px;"
    "border-style:dotted;border-width:2px}.i.error,.i.crash,.i.timeout,.i.incomparable"
    "{color:var(--warn)}\n"
    ".two{display:grid;grid-template-columns:minmax(0,1.75fr) minmax(0,1fr);gap:18px;"
    "align-items:start}.two.one{grid-template-columns:minmax(0,1fr)}"
    ".side{display:grid;gap:18px}.side .card{padding:16px 18px}.side ul{list-style:none;margin:0;"
    "padding:0}.side li{padding:10px 0 0;overflow-wrap:anywhere}.side li+li{margin-top:10px;"
    "border-top:1px solid var(--line)}.side p{font-size:13px}.side .why{display:block;"
    "font-size:13.5px;color:var(--dim);margin-top:2px}.side .isfalse{border:2px solid "
    "var(--fail)}\n",
    ".scroll{overflow-x:auto;padding:0}table{border-collapse:collapse;width:100%;font-size:14px}"
    "th,td{text-align:left;vertical-align:top;padding:9px 12px;border-top:1px solid var(--line)}"
    "thead th{border-top:0;font-size:12px;font-weight:600;color:var(--dim);white-space:nowrap;"
    "background:var(--soft)}thead th:first-child{border-top-left-radius:11px}"
    "thead th:last-child{border-top-right-radius:11px}"
    "tbody th{font-weight:400}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}tr.false td:first-child{box-shadow:inset 4px 0 var(--fail)}"
    "tr.open td:first-child{box-shadow:inset 3px 0 var(--line)}"
    ".claim,.sub{display:block}.sub{font-size:12.5px;color:var(--dim)}.sub code{color:var(--text)}"
    "td code{white-space:nowrap}caption{text-align:left;padding:0 0 8px;color:var(--dim)}\n"
    ".figs{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:"
    "18px}"
    "figure{margin:0;overflow-x:auto}figure h3{position:sticky;left:0}"
    "figure svg.plot{display:block;width:100%;min-width:440px;height:auto}"
    "figcaption{font-size:13px;color:var(--dim);margin-top:8px;position:sticky;left:0}\n"
    "details{margin:0}summary{cursor:pointer;color:var(--link);font-size:13px;padding:2px 0}"
    "summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}"
    "dl.m{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:6px 0 4px;"
    "font-size:13px}dl.m dt{color:var(--dim)}dl.m dd{margin:0;font-variant-numeric:tabular-nums;"
    "overflow-wrap:anywhere}dl.f{display:grid;grid-template-columns:minmax(110px,max-content) 1fr;"
    "gap:6px 18px;margin:0;font-size:14px}dl.f dt{color:var(--dim)}dl.f dd{margin:0;"
    "overflow-wrap:anywhere}.cards{display:grid;gap:18px;"
    "grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}"
    ".div{margin:14px 0 0}table.wide tbody "
    "th{width:36%;overflow-wrap:anywhere}table.wide "
    "td:last-child{min-width:150px}td[data-h='Source:']{min-width:88px}td.g{font-variant-numeric:"
    "tabular-nums}footer{margin-top:"
    "36px;color:var(--dim);"
    "font-size:13px;"
    "overflow-wrap:anywhere}\n",
    "@media(max-width:960px){.two{grid-template-columns:minmax(0,1fr)}.side{order:-1}"
    "table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    "table.stack,table.stack tbody,table.stack tr,table.stack td,table.stack th{display:block;"
    "text-align:left}"
    "table.stack tr{padding:12px 14px;border-top:1px solid var(--line)}"
    "table.stack tr:first-child{border-top:0}"
    "table.stack td,table.stack tbody th{width:auto;min-width:0;border:0;padding:2px "
    "0;white-space:normal}table.stack td:empty{display:none}"
    "table.stack td[data-h]:not(:empty)::before{content:attr(data-h) ' ';color:var(--dim);"
    "font-size:12.5px}table.stack tr.false{box-shadow:inset 4px 0 var(--fail)}"
    "table.stack tr.false td:first-child,table.stack tr.open td:first-child{box-shadow:none}}\n"
    "@media(max-width:620px){main{padding:18px 14px 48px}.hero{padding:16px 16px}"
    ".hero .word{font-size:24px}.hero .say{font-size:16px}"
    ".ladder li{flex-basis:100%}dl.f{grid-template-columns:1fr;gap:0}dl.f dd{margin-bottom:8px}}\n"
    "@media print{body{background:#fff}.card{break-inside:avoid}}\n",
};

void pv_html_style(pv_text *out) {
  for (size_t i = 0; i < sizeof style / sizeof style[0]; i++) pv_text_puts(out, style[i]);
}

/* 16 by 16; `currentColor` takes the badge's. */
static const char *const symbols[] = {
    "<symbol id=\"i-pass\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.5\"/><path d=\"M4.6 8.3l2.4 2.4 4.5-5\" "
    "fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.9\" stroke-linecap=\"round\" "
    "stroke-linejoin=\"round\"/></symbol>",
    "<symbol id=\"i-fail\" viewBox=\"0 0 16 16\"><path d=\"M3 3l10 10M13 3L3 13\" "
    "stroke=\"currentColor\" stroke-width=\"3.2\" stroke-linecap=\"square\"/></symbol>",
    "<symbol id=\"i-vacuous\" viewBox=\"0 0 16 16\"><rect x=\"2\" y=\"2\" width=\"12\" "
    "height=\"12\" "
    "fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\"/><path d=\"M2 14L14 2\" "
    "stroke=\"currentColor\" stroke-width=\"2.2\"/></symbol>",
    "<symbol id=\"i-notrun\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.5\" "
    "fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.7\" stroke-dasharray=\"2.6 2.5\"/></symbol>",
    "<symbol id=\"i-stale\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" r=\"6.5\" "
    "fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.7\" stroke-dasharray=\"2.6 2.5\"/><path "
    "d=\"M8 4.5V8l2.6 1.8\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\"/></symbol>",
    "<symbol id=\"i-apart\" viewBox=\"0 0 16 16\"><path d=\"M3 8h10\" stroke=\"currentColor\" "
    "stroke-width=\"1.8\"/></symbol>",
    "<symbol id=\"i-error\" viewBox=\"0 0 16 16\"><path d=\"M8 1.6L15 14H1z\" fill=\"none\" "
    "stroke=\"currentColor\" stroke-width=\"1.6\" stroke-linejoin=\"round\"/><path d=\"M8 6v4M8 "
    "11.4v1.2\" "
    "stroke=\"currentColor\" stroke-width=\"1.8\"/></symbol>",
    "<symbol id=\"i-timeout\" viewBox=\"0 0 16 16\"><path d=\"M3.5 1.8h9M3.5 14.2h9M4.5 2c0 4 7 8 "
    "7 "
    "12M11.5 2c0 4-7 8-7 12\" fill=\"none\" stroke=\"currentColor\" "
    "stroke-width=\"1.6\"/></symbol>",
    "<symbol id=\"i-crash\" viewBox=\"0 0 16 16\"><path d=\"M8 1v4M8 11v4M1 8h4M11 8h4M3 3l2.6 "
    "2.6M10.4 10.4L13 13M13 3l-2.6 2.6M5.6 10.4L3 13\" stroke=\"currentColor\" "
    "stroke-width=\"1.9\"/></symbol>",
    "<symbol id=\"i-incomparable\" viewBox=\"0 0 16 16\"><path d=\"M2.5 6h11M2.5 10.4h11M11 "
    "2.5L5 14\" stroke=\"currentColor\" stroke-width=\"1.8\"/></symbol>",
};

void pv_html_symbols(pv_text *out) {
  pv_text_puts(out,
               "<svg width=\"0\" height=\"0\" style=\"position:absolute\" aria-hidden=\"true\">\n");
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    pv_text_puts(out, symbols[i]);
    pv_text_puts(out, "\n");
  }
  pv_text_puts(out, "</svg>\n");
}
