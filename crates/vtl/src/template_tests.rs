//! The language, row by row (rest-data-plane §5.6).

use proptest::prelude::*;

use super::*;
use crate::heap::Value;
use crate::limits::Limits;

struct Context(&'static str);

impl Scope for Context {
    fn variable(&mut self, name: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        match (name, heap.read_json(self.0)?) {
            ("data", Some(value)) => Ok(value),
            (name, Some(Value::Map(map))) => Ok(heap.get(map, name).cloned().unwrap_or(Value::Null)),
            _ => Ok(Value::Null),
        }
    }
}

const DATA: &str = r#"{"name": "Ada", "n": 5, "list": ["a", "b"], "map": {"k": "v"}, "no": false}"#;

fn output(text: &str) -> Result<String, RenderError> {
    Template::parse(text).unwrap().render(&mut Context(DATA), &mut Heap::new(Limits::default()))
}

fn check(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        assert_eq!(output(text).as_deref(), Ok(*wanted), "{text}");
    }
}

#[test]
fn text_without_references_is_constant_and_comments_go() {
    for (text, output) in [
        ("{\"a\": 1}", "{\"a\": 1}"),
        ("Hello $ you", "Hello $ you"),
        ("#13ff93 \"#\"", "#13ff93 \"#\""),
        ("a ## gone\nb", "a b"),
        ("a#* gone *#b", "ab"),
        ("$5 and $.x $name}", ""),
        ("#[[ $raw #if ]]#", " $raw #if "),
        ("#@x #evaluate('$x') #blah($x, \")\") #{odd}", "#@x #evaluate('$x') #blah($x, \")\") #{odd}"),
    ] {
        let template = Template::parse(text).unwrap();
        assert_eq!(template.constant(), Some(output).filter(|output| !output.is_empty()), "{text}");
    }
}

#[test]
fn what_velocity_rejects_is_rejected_with_its_place() {
    for (text, line, column) in [
        ("a $", 1, 3),
        ("#", 1, 1),
        ("#* a", 1, 1),
        ("{\n  #if($x)y", 2, 11),
        ("#if($x)a#endOff", 1, 16),
        ("x#end", 1, 6),
        ("#else", 1, 6),
        ("#set($x = )", 1, 11),
        ("#set($x.y() = 1)", 1, 6),
        (r#"#set($x = "a\"b")"#, 1, 15),
        ("#set($x = 'a)", 1, 11),
        ("#set($x = \"a\n${b\")", 2, 4),
        ("${name", 1, 7),
        ("#foreach($x.y in $z)#end", 1, 14),
        ("#define($x $y)a#end", 1, 12),
        ("#if $x", 1, 4),
    ] {
        let error = Template::parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{text}: {error}");
    }
    assert_eq!(Template::parse(&"a".repeat(TEMPLATE_BYTES + 1)).unwrap_err().problem, Problem::TooLong);
}

/// Undefined prints empty and is true; only `false` is false.
#[test]
fn undefined_references_are_empty_and_true() {
    check(&[
        ("[$x][${x}][$!x][$a.b.c][$name.none][$map.size][$name.none()]", "[][][][][][][]"),
        ("#if($x)y#end#if($a.b.c)y#end#if(!$x)n#end#if($no)n#end#if(!$no)y#end", "yyy"),
        ("#if($x == $null)y#end#if($x == '')y#end#if($name != $null)y#end", "yyy"),
        ("#set($m = {$x: 'foo'})$m", "{=foo}"),
        ("#set($m = {})$m.put('k', $null)#if(\"$m.k\" == '')y#end", "y"),
        ("#foreach($i in $x)a#end", ""),
        ("#set($y = $x + 'a')$y", "a"),
    ]);
}

#[test]
fn escapes_pair_up() {
    check(&[
        (r"\$name \\$name \\\$name \${name}", r"$name \Ada \$name ${name}"),
        (r"\#if(true) \\#if(true)y#end \x \$5 a\", r"#if(true) \y \x \$5 a\"),
    ]);
}

#[test]
fn references_end_where_velocity_ends_them() {
    check(&[
        ("$name. $name.. $name.1 $name-x $name_x|", "Ada. Ada.. Ada.1  |"),
        ("$name[optional] ${name}[0] $list[0] $list[-1] [$none[9]]", "Ada[optional] Ada[0] a b []"),
        ("$map['k'] $map[\"k\"] $data['list'][1] $$name $!name}", "v v b $Ada Ada}"),
        ("${name}() $!{map.k}x", "Ada() vx"),
    ]);
}

#[test]
fn loops_tell_where_they_are_and_leave_nothing() {
    check(&[
        (
            "#foreach($x in $list)$velocityCount$foreach.count$velocityHasNext #end[$x$foreach.index]",
            "11true 22false []",
        ),
        ("#set($x = 'o')#foreach($x in $list)$x#end$x", "abo"),
        (
            "#foreach($a in [1,2])#foreach($b in [3..1])$foreach.parent.index$foreach.topmost.count$b #end#end",
            "013 012 011 123 122 121 ",
        ),
        ("#foreach($x in [5..-2])$x #end", "5 4 3 2 1 0 -1 -2 "),
        ("#foreach($x in $list)$x#if($x == 'a')#stop#end#end never", "a"),
        ("#foreach($x in 'text')a#end#foreach($x in $n)a#end", ""),
        ("#set($l = [1])#foreach($x in $l)$l.add(2)#end$l", "true[1, 2]"),
    ]);
}

#[test]
fn macros_are_swallowed_and_blocks_are_used_by_name() {
    check(&[
        ("#macro(blah $a)\n#if($a)x#end\n#end\n#blah($name)", "#blah($name)"),
        ("#define($x)<$name>#end$x $x()", "<Ada> <Ada>()"),
        ("#define($x)[$i]#end#foreach($i in [1,2])$x#end$x", "[1][2][]"),
        ("#define($x)ab#end$x.length() #if($x == 'ab')y#end", "2 y"),
        ("#parse('a') #include('b')", "#parse('a') #include('b')"),
    ]);
}

#[test]
fn expressions_follow_velocitys_precedence() {
    check(&[
        ("#set($x = 1 + 2 * 3 - 4 / 2 % 3)$x", "5"),
        ("#set($x = (1 + 2) * 3)$x #set($y = 100.0 / 50)$y #set($z = .5 * .1)$z", "92.00.05"),
        ("#if(1 < 2 && 2 <= 2 and 3 > 2 || false)y#end#if(not true or false)n#end", "y"),
        ("#if('a' lt 'b')y#end#if(5 == 5.0)y#end#if('5' == $n)y#end#if('x' > 1)n#end", "yyy"),
        ("#set($x = 5 / 0)[$x]#set($x = 7 % 4)$x", "[]3"),
        ("#set($x = 5-3)$x #set($x=[1,\n [2, {'a':\n 'b'}]])$x", "2[1, [2, {a=b}]]"),
        ("#set($x = 12345678901234567890)$x", "12345678901234567890"),
        (
            "#set($s = \"1\\\\\"\"2\")$s #set($s = \"$name is $map.k's\")$s #set($s = '$name')$s",
            "1\\\\\"2Ada is v's$name",
        ),
        ("#set($s = \"a#b ## c\")$s #set($s = \"cost $\")$s", "a#b cost $"),
    ]);
}

#[test]
fn blanks_and_line_ends_go_with_directives_as_in_velocity() {
    check(&[
        ("#if(true) \n a\n #else\n b\n#end\nc", " a\n c"),
        ("a\n  #set($x = 1)\nb", "a\n  b"),
        ("$name  #set($x = 1)\nb", "Adab"),
        ("#foreach($x in $list)\n  $x\n#end\n", "  a\n  b\n"),
        ("#set($x = 1)\r\n#if(true)\r\ny#end\r\nz", "yz"),
    ]);
}

/// As Apache Velocity 1.7 does it (tests/velocity).
#[test]
fn words_that_are_no_directives_and_lone_signs_go_as_in_velocity() {
    check(&[
        ("a$ #set($x = 1)b # #set($x = 1)c $5 #set($x = 1)d $. #set($x = 1)e", "ab c $5 d $.e"),
        ("$name} #set($x = 1)a ${name}} #set($x = 1)b $name.length(){ #set($x = 1)c", "Ada}a Ada} b 3{c"),
        ("#foo ($x, \")\")\n  #set($x = 1)a #1 #set($x = 1)b", "#foo ($x, \")\")\na #1b"),
        (r"\\#set a \#set b \#foo (c \\#if(true)d#end", r"\\#set a #set b \#foo (c \d"),
    ]);
    assert_eq!(Template::parse("#foo (a").unwrap_err().problem, Problem::Expected(")"));
}

#[test]
fn what_fails_says_where() {
    for (text, wanted) in [
        ("a\n  $list.get(2)", "an index is out of bounds at line 2, column 3"),
        ("#if(true)\n#set($x = \"a\nb $list.get(2)\")#end", "an index is out of bounds at line 3, column 3"),
        ("x #foreach($i in [1..1001])$i#end", "a #foreach runs more than 1000 times at line 1, column 3"),
    ] {
        assert_eq!(output(text).unwrap_err().to_string(), wanted);
    }
}

#[test]
fn assignments_reach_into_values() {
    check(&[
        ("#set($m = {})#set($m.a = 1)#set($m['b:c'] = 2)#set($m[\"$n\"] = 3)$m", "{a=1, b:c=2, 5=3}"),
        (
            "#set($l = [1, 2])#set($l[0] = 'x')#set($l[-1] = 'y')$l #set($other = $l)#set($other[0] = 'z')$l",
            "[x, y][z, y]",
        ),
        ("#set($x.y = 1)#set($name.z = 1)[$x.y][$name.z]", "[][]"),
        ("#set($m = {'a': {}})#set($m.a.b = 1)$m.entrySet()", "[a={b=1}]"),
    ]);
}

#[test]
fn exceptions_of_java_fail_the_rendering() {
    for text in ["$name.substring(4)", "$list.get(2)", "#set($list[5] = 1)", "$name.matches('(')", "$n.parseInt('x')"] {
        assert!(output(text).is_err(), "{text}");
    }
}

/// reliability-and-security §3.5
#[test]
fn nothing_runs_away() {
    let nested = |count: usize| format!("{}x{}", "#if(true)".repeat(count), "#end".repeat(count));
    for text in [
        "#foreach($i in [1..1001])$i#end",
        "#foreach($a in [1..999])#foreach($b in [1..999])#foreach($c in [1..999])#end#end#end",
        "#foreach($i in [1..2147483647])#end",
        "#set($a = 'aaaaaaaaaaaaaaaa')#foreach($i in [1..60])#set($a = \"$a$a\")#end",
        "#set($l = [])#set($x = $l.add($l))$l",
        "#set($l = [1])#foreach($i in [1..60])#set($l = [$l, $l])#end$l",
        "#set($l = [1])#foreach($i in [1..500])#set($l = [$l])#end$l",
        "#define($x)$x$x#end$x",
        "#set($m = {})#set($m.m = $m)#set($o = {})#set($o.m = $o)#if($m == $o)#end",
        "#set($l = [1])#foreach($i in [1..60])$l.addAll($l)#end",
        "#set($s = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')#foreach($i in [1..30])#set($s = $s.replace('', $s))#end",
        "#foreach($i in [1..900])#foreach($j in [1..900])$name.matches(\"($i$j.*)*\")#end#end",
    ] {
        assert!(output(text).is_err(), "{text}");
    }
    assert_eq!(output(&nested(60)).as_deref(), Ok("x"));
    for text in [
        nested(100_000 / 16),
        "[".repeat(50_000),
        "$a[".repeat(50_000),
        format!("#set($x = {}1", "(".repeat(90_000)),
        format!("#set($x = {}true)", "!".repeat(90_000)),
    ] {
        assert!(Template::parse(&text).is_err() || output(&text).is_ok());
    }
    let chain = format!("#set($x = 1{})$x", "+1".repeat(50_000));
    assert_eq!(output(&chain).as_deref(), Ok("50001"));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[#$*{}()\\[\\]a-e!\\\\\"'\\n ü.,=<1-3]{0,32}") {
        crate::fuzz::render(&text);
    }

    #[test]
    fn no_mixture_of_words_panics(words in proptest::collection::vec(0..WORDS.len(), 0..16)) {
        let text: String = words.into_iter().map(|word| WORDS[word]).collect();
        crate::fuzz::render(&text);
    }
}

const WORDS: [&str; 38] = [
    "#if(",
    "#elseif(",
    "#else",
    "#end",
    "#foreach(",
    "#set(",
    "#define(",
    "#macro(",
    "#stop",
    "#break",
    "$x",
    "${x.a}",
    "$a[0]",
    ".put('k', $x)",
    ".add($x)",
    ".split(",
    ".replaceAll(",
    ".substring(1, 2)",
    ".entrySet()",
    " in ",
    " = ",
    "[1..9]",
    "[1, $x]",
    "{'a': $x}",
    "\"$x\"",
    "'it''s'",
    "1.5",
    "-7",
    " + ",
    " == ",
    " && ",
    "!",
    "(",
    ")",
    ")\n",
    "\\",
    "##",
    "#* *#",
];
