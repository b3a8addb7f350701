"""Templates that API Gateway and Velocity must render alike, one in base64 a line: `generate.py COUNT SEED`.

Left out is where API Gateway departs from Velocity 1.7 (rest-data-plane §5.6): references to nothing that are not quiet, null in conditions and sums, macros,
order of texts by < and >, escaped references to nothing, a `$` at the end; and what the engine has no type for: sums of doubles with integers above 64 bits,
remainders by negative numbers of those. Map literals have keys in the order in which Java's HashMap has them, too.
"""
import base64
import random
import sys

WORDS = ["fox", "The quick brown", "a,b,,c", " padded ", "", "ünï", "x=1&y=2", "a.b.c", "UPPER low", "tab\there", "it", "{}", "[1]", "0", "12"]
TEXT = ["Hello ", "{\"a\": ", "}", ", ", "\n", "\n  ", "\t", "<p>", " - ", "x", ".", "..", "(", ")", "(x]", "!", "$ ", "$5 ", "$$ ", "# ", "#1 ", "#13ff ", "\"#\"", "C:\\d ", "\\ ",
        "a@b.c ", "|", "=", "'", "\"", "\r\n", "  \n", " \n\n", "é", "% ", "#. ", "#! "]
# What ends a reference: letters, digits, dots before letters and brackets would go on with it.
ENDS = [" ", " ", "\n", ", ", ". ", ".1 ", "..", "|", "/", "<", '"', "'", "}", ")", "!", "\t", ";", "é", "$ ", "$$ ", "# ", "\r\n", ": ", "\\ ", "*", "@"]
BLANKS = ["", "", "", " ", "  ", "\n", "\n  ", " \n", "\t"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.fresh = 0

    def pick(self, items):
        return self.random.choice(items)

    def chance(self, share):
        return self.random.random() < share

    def name(self, kind):
        self.fresh += 1
        return f"{kind}{self.fresh}"

    # ---- values: every method takes the variables in scope, {kind: [names]}

    def quoted(self, scope):
        word = self.pick(WORDS)
        if self.chance(0.25):
            return "'" + word + self.pick(["", "''", " $x", "#if"]) + "'"
        return '"' + word + (self.quiet(scope).replace('"', "'") if self.chance(0.4) else "") + self.pick(["", "", '""', " $", " # ", "$5", "\\d"]) + '"'

    def int(self, scope, depth=2):
        choice = self.random.randrange(9 if depth else 3)
        if choice < 2:
            return str(self.pick([0, 1, 2, 3, 7, 10, 42, -1, -5, 100, 2147483647, 4294967296, 9223372036854775807]))
        if choice == 2 and scope["n"]:
            return "$" + self.pick(scope["n"])
        if choice == 3:
            return f"({self.int(scope, depth - 1)} {self.pick('+-*')} {self.int(scope, depth - 1)})"
        if choice == 4:
            return f"{self.int(scope, depth - 1)}{self.pick([' + ', ' - ', ' * ', '+', '*'])}{self.int(scope, depth - 1)}"
        if choice == 5:
            return f"{self.int(scope, depth - 1)} {self.pick(['/ -4', '/ 2', '/ 7', '% 2', '% 3', '% 7', '/ 1'])}"
        if choice == 6 and scope["s"]:
            return f"${self.pick(scope['s'])}." + self.pick(["length()", 'indexOf("a")', 'lastIndexOf("b")', 'compareTo("m")', 'indexOf("b", 2)'])
        if choice == 7 and scope["l"]:
            return f"${self.pick(scope['l'])}.size()"
        if choice == 8 and scope["m"]:
            return f"${self.pick(scope['m'])}.size()"
        return str(self.random.randrange(50))

    def float(self, scope):
        left = self.pick(["1.5", ".5", "100.0", "-2.25", "0.1", "3.", "1e3", "2.5E-2", "12345678.9", "0.00012"])
        return left if self.chance(0.4) else f"{left} {self.pick('+-*/')} {self.pick(['2', '.1', '0.3', '50', '-4.0', '7'])}"

    def text(self, scope, depth=2):
        choice = self.random.randrange(8 if depth else 2)
        if choice < 2 or not scope["s"]:
            return self.quoted(scope)
        name = "$" + self.pick(scope["s"])
        if choice == 2:
            return name
        if choice == 3:
            return f"{name} + {self.pick([self.quoted(scope), self.int(scope, 0)])}"
        argument = self.pick(["'a'", "'b'", '"o"', "' '", "','", "'.'", '"x"'])
        return name + self.pick([
            ".toUpperCase()", ".toLowerCase()", ".trim()", f".replace({argument}, '-')", ".replaceAll('[a-c]', '<$0>')", ".replaceAll('[a-c]', '')",
            ".replaceAll('([a-z])([a-z])', '$2$1')", ".replaceFirst(' ', '_')", f".concat({argument})", ".substring(0)", ".toString()", ".replaceAll('\\s+', ' ')",
            ".replaceAll('\\.', '')", ".replaceAll('a', '\\\\b')", ".trim().toUpperCase()"])

    def items(self, scope, depth):
        items = [self.item(scope, depth) for _ in range(self.random.randrange(5))]
        return "[" + self.pick(["", " "]) + self.pick([",", ", ", " , ", ",\n  "]).join(items) + self.pick(["", " "]) + "]" if items else "[]"

    def list(self, scope, depth=1):
        choice = self.random.randrange(5)
        if choice == 0:
            return f"[{self.random.randrange(-3, 6)}{self.pick(['..', ' .. '])}{self.random.randrange(-3, 6)}]"
        if choice == 1 and scope["l"]:
            return "$" + self.pick(scope["l"])
        return self.items(scope, depth)

    def map(self, scope, depth=1):
        keys = sorted(self.random.sample("abcdefghijklmno", self.random.randrange(5)))
        space = self.pick(["", " ", "\n "]) if keys else ""
        pairs = [self.pick(['"%s"', "'%s'"]) % key + self.pick([":", ": ", " : "]) + self.item(scope, depth) for key in keys]
        return "{" + space + ("," + space).join(pairs) + "}"

    def item(self, scope, depth):
        """What may stand in a list, a map or the brackets of a call: Velocity 1.7 computes nothing there."""
        makers = [lambda scope: str(self.random.randrange(-3, 60)), self.quoted, lambda scope: self.pick(["true", "false", "1.5", "0.25"])]
        makers += [lambda scope, kind=kind: "$" + self.pick(scope[kind]) for kind in "snfb" if scope[kind]]
        if depth:
            makers += [lambda scope: self.list(scope, depth - 1), lambda scope: self.map(scope, depth - 1)]
        return self.pick(makers)(scope)

    def value(self, scope, depth=1):
        makers = [self.int, self.float, self.text, self.text, lambda scope: self.pick(["true", "false"])]
        if depth:
            makers += [lambda scope: self.list(scope, depth - 1), lambda scope: self.map(scope, depth - 1)]
        return self.pick(makers)(scope)

    def condition(self, scope, depth=2):
        choice = self.random.randrange(11 if depth else 5)
        if choice == 0:
            return self.pick(["true", "false", "!true", "!false", "not false", "!!true"])
        if choice == 1:
            return f"{self.int(scope, 1)} {self.pick(['==', '!=', '<', '<=', '>', '>=', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'])} {self.int(scope, 1)}"
        if choice == 2:
            return f"{self.float(scope)}{self.pick([' == ', ' < ', '>', '==', ' >= '])}{self.pick([self.float, self.int])(scope)}"
        if choice == 3:
            return f"{self.text(scope, 0)} {self.pick(['==', '!=', 'eq'])} {self.text(scope, 0)}"
        if choice == 4:
            known = [name for kind in "snflmb" for name in scope[kind]]
            return "$" + self.pick(known) if known else "true"
        if choice == 5:
            return f"({self.condition(scope, depth - 1)}) {self.pick(['&&', '||', 'and', 'or'])} {self.condition(scope, depth - 1)}"
        if choice == 6:
            return f"{self.pick(['!', 'not ', '! '])}({self.condition(scope, depth - 1)})"
        if choice == 7 and scope["s"]:
            name = "$" + self.pick(scope["s"])
            return name + self.pick(['.contains("a")', '.startsWith("T")', ".endsWith('c')", ".equals('fox')", ".isEmpty()", ".matches('[a-z]+')", ".equalsIgnoreCase('FOX')",
                                     ".empty"])
        if choice == 8 and scope["l"]:
            return "$" + self.pick(scope["l"]) + self.pick([".isEmpty()", ".contains(1)", ".contains('fox')", ".size() > 2", ".empty"])
        if choice == 9 and scope["m"]:
            return "$" + self.pick(scope["m"]) + self.pick([".isEmpty()", ".containsKey('a')", ".containsValue(1)"])
        return f"{self.condition(scope, depth - 1)} {self.pick(['&&', '||', 'and', 'or', ' && '])} {self.condition(scope, depth - 1)}"

    # ---- output

    def quiet(self, scope):
        """A quiet reference to something or nothing."""
        known = [(kind, name) for kind in "snflmb" for name in scope[kind]]
        kind, name = self.pick(known) if known and self.chance(0.9) else ("", "nothing")
        steps = {
            "s": ["", "", "", ".length()", ".toUpperCase()", ".none", ".none()", ".none.more", ".substring(0)"],
            "n": ["", "", "", ".none", ".intValue()", ".toString()"],
            "f": ["", "", "", ".none", ".intValue()", ".toString()"],
            "l": ["", "", ".size()", ".isEmpty()", ".none", ".contains('fox')", ".indexOf(1)", ".toString()", ".none.none()"],
            "m": ["", "", ".a", ".b", "['a']", '["c"]', ".get('a')", ".get(\"b\")", ".none", ".keySet()", ".values()", ".entrySet()", ".containsKey('a')", ".size()", ".a.b", ".toString()",
                  ".d.length()", ".isEmpty()"],
            "b": ["", "", ".none", ".toString()"],
            "": ["", ".a", ".b()", "[0]"],
        }[kind]
        body = name + self.pick(steps)
        return "$!{" + body + "}" if self.chance(0.35) else "$!" + body + self.pick(ENDS)

    def reference(self, scope):
        """A reference to what is there."""
        known = [name for kind in "snflmb" for name in scope[kind]]
        if not known:
            return "x"
        name = self.pick(known)
        plain = [f"${{{name}}}", f"${name}", f"${name}", f"${name}", f"${{{name}}}.x", f"$ {name}", f"$${{{name}}}", f"$${name}"]
        return self.pick(plain + ([f"\\${name}", f"\\\\${name}", f"\\\\\\${{{name}}}", f"\\\\\\\\${name} "] if self.chance(0.3) else [])) + self.pick(ENDS)

    def line_end(self):
        return self.pick(["", "", " ", "\n", "\n", "  \n", "\n\n", "\r\n", "x", "\t\n  "])

    def open(self):
        return self.pick(["", "", "", " ", "  "])

    def set(self, scope):
        kind = self.pick("nnfssslmb")
        value = {"n": self.int, "f": self.float, "s": self.text, "l": self.list, "m": self.map, "b": self.condition}[kind](scope)
        if kind == "s" and scope["s"] and self.chance(0.15):
            name = self.pick(scope["s"])
        else:
            name = self.name(kind)
        line = f"#set{self.pick(['', '', ' '])}({self.pick(['', ' '])}${name}{self.pick([' = ', '=', ' ='])}{value}{self.pick(['', ' '])})"
        if name not in scope[kind]:
            scope[kind].append(name)
        return self.pick(BLANKS) + line + self.line_end()

    def assign(self, scope):
        if scope["own"] and self.chance(0.6):
            name = self.pick(scope["own"])
            key = self.pick(["k", "other", "x1"])
            how = self.pick([f"#set(${name}.{key} = {self.value(scope)})", f"#set(${name}['{key}'] = {self.value(scope)})", f"$!{name}.put('{key}', {self.item(scope, 1)}) ",
                             f"$!{name}.remove('{key}')", f"$!{name}.putAll({{'{key}': 1}})"])
            return how + self.line_end() + f"$!{name}.{key}|$!{name}.size() "
        if scope["grown"]:
            name = self.pick(scope["grown"])
            return self.pick([f"$!{name}.add({self.item(scope, 1)})", f"#set($done = ${name}.add({self.item(scope, 0)}))", f"$!{name}.addAll({self.items(scope, 0)})",
                              f"$!{name}.remove('fox')", f"$!{name}.contains({self.item(scope, 0)})"]) + self.line_end() + f"${{{name}}}"
        own, grown = self.name("own"), self.name("grown")
        scope["own"].append(own)
        scope["grown"].append(grown)
        return f"#set(${own} = {{}})#set(${grown} = [])"

    def branch(self, scope, depth):
        parts = [f"#if{self.open()}({self.pick(['', ' '])}{self.condition(scope)}{self.pick(['', ' '])})", self.line_end(), self.block(self.inner(scope), depth - 1)]
        for _ in range(self.pick([0, 0, 0, 1, 2])):
            parts += [self.pick(BLANKS), f"#elseif{self.open()}({self.condition(scope)})", self.line_end(), self.block(self.inner(scope), depth - 1)]
        if self.chance(0.5):
            parts += [self.pick(BLANKS), self.pick(["#else", "#{else}"]), self.pick([" ", "\n", " \n", "\n  "]), self.block(self.inner(scope), depth - 1)]
        return "".join(parts) + self.end()

    def end(self):
        return self.pick(BLANKS) + self.pick(["#end" + self.pick([" ", "\n", "\n  ", "  \n", "|", "<", ","]), "#{end}" + self.line_end()])

    def loop(self, scope, depth):
        inner, item = self.inner(scope), self.name("i")
        inner["loops"] += 1
        inside = self.block(inner, depth - 1)
        told = self.pick(["", "$foreach.index ", "$foreach.count,", "${foreach.hasNext}", "$velocityCount|", "$foreach.first$foreach.last|", "#if($foreach.hasNext), #{end}",
                          "#if( $foreach.hasNext ),#end\n", "$velocityHasNext ", "#if($foreach.count > 2)#break#{end}"]
                         + (["$foreach.parent.index ", "${foreach.topmost.count}", "$foreach.parent.hasNext|"] if scope["loops"] else []))
        shown = self.pick([f"$!{item} ", f"[$!{{{item}}}]", f"$!{item}.length()|", ""])
        source = self.pick([self.list(scope), self.list(scope), self.map(scope)])
        if scope["s"] and self.chance(0.15): # An array: its own text is that of an address.
            source = f"${self.pick(scope['s'])}.split(" + self.pick(['","', '" "', "'[.]'", '"b"', '"[,.]", 2', '"o", -1', '""', '"x"']) + ")"
        if scope["m"] and self.chance(0.2):
            source = f"${self.pick(scope['m'])}" + self.pick(["", ".keySet()", ".values()", ".entrySet()"])
        return f"#foreach{self.open()}({self.pick(['', ' '])}${item} in {source}{self.pick(['', ' '])}){self.line_end()}{shown}{told}{inside}{self.end()}"

    def define(self, scope, depth):
        name = self.name("d")
        inside = self.block(self.inner(scope), 0)
        return f"#define{self.open()}(${name}){self.line_end()}{inside}{self.end()}" + self.pick(["", f"${name} ", f"${{{name}}} ${name}. "])

    def comment(self, scope):
        return self.pick(["## gone $x #if\n", "#* gone #if($x) *#", "a ## b\n", "  ## c\n", "#**#", "#* \n *#\n", "#[[ $raw #if ]]#", "#[[]]#\n", "##\n", "#*** doc **#"])

    def words(self, scope):
        return self.pick(["#foo, ", "#foo. ", "#foo() ", "#foo(1)\n  ", "#foo ($x, \")\") ", "#{foo}. ", "#Foo| ", "#9a ", "\\#if ", "\\#end ", "\\\\#set ", "\\#foo ", "\\#else\n"])

    def inner(self, scope):
        """What is set inside may never be set: only what is there already is used behind it."""
        return {kind: list(names) if isinstance(names, list) else names for kind, names in scope.items()}

    def block(self, scope, depth):
        parts = []
        for _ in range(self.random.randrange(1, 5)):
            roll = self.random.random()
            if roll < 0.28:
                parts.append(self.pick(TEXT))
            elif roll < 0.45:
                parts.append(self.reference(scope))
            elif roll < 0.58:
                parts.append(self.quiet(scope))
            elif roll < 0.72:
                parts.append(self.set(scope))
            elif roll < 0.76:
                parts.append(self.assign(scope))
            elif roll < 0.79:
                parts.append(self.comment(scope))
            elif roll < 0.80:
                parts.append(self.words(scope))
            elif depth:
                parts.append(self.pick([self.branch, self.branch, self.loop, self.loop, self.define])(scope, depth))
        return "".join(parts)

    def template(self):
        self.fresh = 0
        scope = {"s": [], "n": [], "f": [], "l": [], "m": [], "b": [], "own": [], "grown": [], "loops": 0}
        parts = [self.set(scope) for _ in range(self.random.randrange(2, 6))]
        parts += [self.block(scope, self.random.randrange(1, 4)) for _ in range(self.random.randrange(1, 4))]
        return "".join(parts) + self.pick([".", "\n", "}", " "])


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    for number in range(count):
        print(base64.b64encode(Generator(f"{seed}:{number}").template().encode()).decode())


if __name__ == "__main__":
    main()
