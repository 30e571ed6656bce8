"""Strings that readers or writers of YAML are known to get wrong, or might."""

from __future__ import annotations

WORDS = """
y n Y N yes no Yes No YES NO on off On Off ON OFF true false True False TRUE FALSE tRuE yEs
null Null NULL ~ nil none None NONE NaN nan NAN inf Inf .inf .Inf .INF -.inf +.inf .nan .NaN .NAN
0 1 -1 +1 007 010 0777 08 09 0o777 0o8 0O17 0x1F 0X1f 0xg 0b101 0b2 0_7 1_000 -_1 _1 1_ +_1 __
1.0 1. .5 -.5 +.5 1.5e3 1e3 1E3 1e+3 1e-3 12e03 0e1234 1.e1 .e1 e1 e 6.8523015e+5 685.230_15e+03 -0 -0.0 +0 0.
1:30 12:30:45 190:20:30 190:20:30.15 -1:30 1:60 0:0 20:30.5
2026-01-02 2026-1-2 2026-01-02T03:04:05Z 2001-12-14t21:59:43.10-05:00 2001-12-15 12:00 20260102
72225e2 1234567e9 0e0 8e55 123e4567 9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551616
<< = <<: *a &a !a !!str !!int !<tag:x> @a `a %a %YAML | > |- >+ |2 ? - : , [ ] { } # ' " \\ /
[a] {a} {a:1} [] {} '' "" 'a' "a" "a a" a" a' a'b a"b '' ''' a\\nb \\n \\t \\x41 \\u0041 \\
-a --a - -- --- ---a ... ...a --- --- %TAG ?a ?: :a a: a:b a::b ::1 :: :8080 http://a b://c a:/b
#a a#b a#  &amp *star !bang @at `tick` %percent ^caret $dollar ${VAR} $(VAR) (a) <a> <a a> a|b a>b a=b =a a~b ~a ~/a
1Gi 500m 100% 25% 1.34 v1 1.2.3 10.0.0.0/8 fe80::1 ::/0 00:11:22:33:44:55 AAAA== a@sha256:00 nvidia.com/gpu
""".split()

SPACED = (
    "", " ", "  ", " a", "a ", "a  b", " a b ", "a b", "\ta", "a\t", "a\tb", "\t", "a: b", "a:  b", "a :b", "a : b",
    "a:", "a: ", ": a", ":", " :", "a #b", "a # b", " #", "#", "# a", "a #", "- a", "-", "- - a", "? a", "| a", "> a",
    "--- a", "--- ", "---\n", "a\n---\nb", "a\n...\nb", "... a", "%YAML 1.2", "!!binary |", "& a", "* a", "<< : a",
    "[a, b]", "{a: b}", "[a", "a]", "{a", "a}", "a, b", ", a", "yes no", "true ", " true", "null a", "y n", "1 2",
    "'a' b", '"a" b', "a 'b'", 'a "b"', "it's", "\\", "a\\b", "C:\\x", '\\"', "'\"", "\"'",
)  # fmt: skip

LINES = (
    "\n", "\n\n", "a\n", "a\n\n", "a\n\n\n", "\na", "\n\na", " \n", "\n ", " \na", "a \n", "a \nb", "a\n b", "a\n  b\n",
    "a\n\nb", "a\n\n\nb\n", "  a\nb", " a\n b\n", "a\n\tb", "\ta\nb", "a\t\nb", "\t\n", "a\n\t", "a\n \nb", "a\n\n ",
    "#a\n#b\n", "a\n#b", "a #b\nc", "- a\n- b\n", "a: b\nc: d\n", "---\na", "---\n...\n", "\n---\n", "a\n---", "|\na", ">\na",
    "key: |\n  text\n", "a\\\nb", '"a\nb"', "'a\nb'", "a\r\nb", "a\rb", "\r", "\r\n", "a\r", "a\n\rb", "a\u0085b\n",
    "a\u2028b\n", "a\n\ufeffb", "#!/bin/sh\nset -eu\nexec python train.py\n", '{\n  "a": 1\n}\n', "a\n" * 50,
    "x" * 100 + "\n" + "y" * 100, " leading\nthen not\n", "a\n    b\n  c\n", "a\n\n    b\n",
)  # fmt: skip

CHARACTERS = (
    "\0", "a\0b", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b[31m", "\x1f", "\x7f", "a\x7fb", "\x80", "\x85", "a\x85b",
    "\x9f", "\xa0", "\xa0a", "a\xa0", "\xad", "\u061c", "\u180e", "\u200b", "\u200d", "\u200e", "\u200f", "\u2028", "\u2029", "a\u2028b",
    "a\u2029b", "\u202a", "\u202e", "\u2066", "\u2069", "\u2060", "\u206f", "\u3000", "\ufeff", "\ufeffa", "a\ufeffb", "\ufffc", "\ufffd",
    "\ufffe", "\uffff", "\ufdd0", "\ue000", "\ud7ff", "\U0001f600", "a\U0001f600b", "\U0001f468\u200d\U0001f469", "\U0001fffe",
    "\U000e0001", "\U000f0000", "\U0010ffff", "e\u0301", "\u0301", "ä", "Straße", "日本語", "İ", "ı", "ſ", "\u212a", "café: ☕ # 1",
    "\u0660", "\uff11", "½", "ⅷ", "−1", "‐", "’", "“a”", "﹣1", "\N{FULLWIDTH COLON}", "\u00b7", "\u2003a", "a\u2003",
)  # fmt: skip

LONG = (
    "word " * 200 + "end", "x" * 2000, "x" * 511, "a:" * 300, "- " * 300, "\\" * 500, '"' * 500, "é" * 300, " " * 300,
    "a" + " " * 300 + "b", "#" * 200, "x" * 100 + ": " + "y" * 100, "x" * 100 + " #" + "y" * 100, "\n" * 40, "1" * 400,
    "1." + "0" * 300, "/a" * 300, "\U0001f600" * 100, "\t" * 100, ("a" * 70 + "\n") * 20, ("a " * 40 + "\n") * 10,
)  # fmt: skip

TRICKY = tuple(dict.fromkeys([*WORDS, *SPACED, *LINES, *CHARACTERS, *LONG]))
