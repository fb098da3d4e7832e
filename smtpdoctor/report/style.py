"""The style sheet of the page."""

from __future__ import annotations

from typing import Final

__all__ = ["STYLE"]

STYLE: Final = """
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --quiet: #57606a; --line: #d8dee4; --code: #eef1f4;
  --pass: #1a7f37; --warn: #8a5a00; --fail: #c0232c; --skip: #6e7781; --link: #0a58b5;
  --pass-soft: #e8f5ec; --warn-soft: #fdf4dc; --fail-soft: #fdecec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1216; --card: #171b21; --ink: #e6e9ed; --quiet: #9da7b3; --line: #2c333c; --code: #222831;
    --pass: #57c878; --warn: #e3b341; --fail: #ff8078; --skip: #8b949e; --link: #79b8ff;
    --pass-soft: #12271a; --warn-soft: #2b230d; --fail-soft: #331619;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans KR", "Apple SD Gothic Neo", sans-serif;
}
[lang="ko"] { word-break: keep-all; }
code, pre, .transcript ol { font: 0.9em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace; }
code { background: var(--code); border-radius: 4px; padding: 0.1em 0.3em; }
a { color: var(--link); }
a:focus-visible, input:focus-visible + label { outline: 2px solid var(--link); outline-offset: 2px; }
.top, main { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
.top { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; padding-top: 1rem; }
.tool { margin: 0; }
.brand { font-weight: 700; letter-spacing: -0.01em; }
.quiet { color: var(--quiet); font-size: 0.9rem; }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.switch { position: relative; border: 1px solid var(--line); border-radius: 999px; margin: 0; padding: 2px; display: flex; background: var(--card); min-width: 0; }
.switch input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.switch label { padding: 0.2rem 0.8rem; border-radius: 999px; cursor: pointer; font-size: 0.9rem; color: var(--quiet); white-space: nowrap; }
.switch input:checked + label { background: var(--ink); color: var(--card); }
@supports selector(:has(*)) {
  body:has(#lang-en:checked) .in-ko, body:has(#lang-ko:checked) .in-en { display: none; }
}
.card, .verdict { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.1rem 1.25rem; margin: 1rem 0; }
.verdict { border-left: 6px solid var(--skip); }
.verdict.pass { border-left-color: var(--pass); background: var(--pass-soft); }
.verdict.warn, .verdict.inconclusive { border-left-color: var(--warn); background: var(--warn-soft); }
.verdict.fail { border-left-color: var(--fail); background: var(--fail-soft); }
h1, h2, h3, h4, h5 { line-height: 1.35; margin: 0 0 0.5rem; }
h1, .verdict h2 { font-size: 1.5rem; }
.overall { margin-top: 1rem; }
h2, .card > h3 { font-size: 1.05rem; }
h3, h4, h5 { font-size: 1rem; }
p { margin: 0.4rem 0; }
.last { font-size: 1.05rem; }
.sign { font-weight: 700; display: inline-block; min-width: 1em; text-align: center; }
.sign.pass { color: var(--pass); } .sign.fail { color: var(--fail); }
.sign.warn, .sign.suspected, .sign.inconclusive { color: var(--warn); } .sign.skip { color: var(--skip); }
.overview { list-style: none; padding: 0; }
.finding { border-top: 1px solid var(--line); padding-top: 0.9rem; margin-top: 0.9rem; }
h2 + .finding, h3 + .finding { border-top: 0; padding-top: 0; margin-top: 0; }
.kind { font-size: 0.8rem; font-weight: 600; border-radius: 999px; padding: 0.1rem 0.6rem; vertical-align: 0.1em; background: var(--code); white-space: nowrap; }
.finding.error .kind { background: var(--fail-soft); color: var(--fail); }
.finding.warning .kind { background: var(--warn-soft); color: var(--warn); }
ol, ul { margin: 0.4rem 0; padding-left: 1.5rem; }
li { margin: 0.3rem 0; }
blockquote { margin: 0.4rem 0; padding: 0.5rem 0.9rem; border-left: 3px solid var(--line); background: var(--code); border-radius: 0 6px 6px 0; font-style: italic; }
figure { margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
figcaption { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); font-size: 0.9rem; }
figcaption code { background: none; padding: 0; }
pre { margin: 0; white-space: pre-wrap; }
pre del, pre ins { display: block; text-decoration: none; padding: 0.15rem 0.7rem; }
pre del { background: var(--fail-soft); color: var(--fail); } pre ins { background: var(--pass-soft); color: var(--pass); }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-top: 1px solid var(--line); font-weight: 400; }
tbody th { white-space: nowrap; font-weight: 600; }
thead th { border-top: 0; color: var(--quiet); font-size: 0.85rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.skip, tr.skip th { color: var(--quiet); }
.course { width: 30%; padding-right: 0; }
svg { display: block; width: 100%; height: 0.6rem; margin-top: 0.5rem; background: var(--code); border-radius: 3px; }
rect { fill: var(--skip); } rect.pass { fill: var(--pass); } rect.fail { fill: var(--fail); }
rect.warn, rect.suspected { fill: var(--warn); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1rem; margin: 0; }
dt { color: var(--quiet); } dd { margin: 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); gap: 0.5rem 1.5rem; }
.columns ul { list-style: none; padding: 0; }
.alone code { outline: 1px solid var(--pass); }
.odd { color: var(--warn); }
.settled { list-style: "✔  "; }
.transcript ol { list-style: none; padding: 0; }
.transcript li { margin: 0; padding: 0.05rem 0; display: grid; grid-template-columns: 4.5em 1.6em 1fr; position: relative; }
.transcript .time { color: var(--quiet); font-variant-numeric: tabular-nums; }
.transcript .sign { text-align: left; color: var(--quiet); }
.transcript .out bdi { color: var(--link); } .transcript .note bdi { color: var(--quiet); }
@media (max-width: 40rem) {
  .top, main { padding-left: 0.9rem; padding-right: 0.9rem; }
  .card, .verdict { padding: 0.9rem; border-radius: 10px; }
  h1, .verdict h2 { font-size: 1.25rem; }
  table, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-top: 1px solid var(--line); padding: 0.4rem 0; }
  th, td { border: 0; padding: 0.1rem 0; }
  .waterfall tr { display: grid; grid-template-columns: 1fr auto; column-gap: 0.75rem; }
  .waterfall .summary, .waterfall .course { grid-column: 1 / -1; width: auto; }
  .waterfall .summary { grid-row: 2; }
  .settings tbody tr { display: grid; grid-template-columns: minmax(0, 7.5rem) 1fr; column-gap: 0.75rem; }
  .settings tbody th { grid-row: span 2; white-space: normal; }
  dl { grid-template-columns: minmax(0, 7.5rem) 1fr; gap: 0.3rem 0.75rem; }
}
@media print {
  :root {
    --paper: #fff; --card: #fff; --ink: #000; --quiet: #444; --line: #bbb; --code: #f2f2f2;
    --pass: #1a7f37; --warn: #8a5a00; --fail: #b00020; --link: #000;
    --pass-soft: #fff; --warn-soft: #fff; --fail-soft: #fff;
  }
  body { font-size: 10pt; }
  .switch { display: none; }
  .card, .verdict, .finding, tr, figure { break-inside: avoid; }
  .transcript, .findings { break-inside: auto; }
  rect, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
