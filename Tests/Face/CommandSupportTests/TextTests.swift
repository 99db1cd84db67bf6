import Failures
import Reports
import Testing

@Suite("Untrusted text")
struct SafeTextTests {
  @Test(
    "is escaped for terminals",
    arguments: [
      ("plain näme 日本 🎨", "plain näme 日本 🎨"),
      ("a\u{1B}[31mred", "a\\u{1b}[31mred"),
      ("two\nlines\ttab\r", "two\\u{a}lines\\u{9}tab\\u{d}"),
      ("nul\0 del\u{7F} c1\u{9B}", "nul\\u{0} del\\u{7f} c1\\u{9b}"),
      (
        "\u{202E}evil\u{2066}\u{61C}\u{200F}\u{2028}",
        "\\u{202e}evil\\u{2066}\\u{61c}\\u{200f}\\u{2028}"
      ),
      ("", ""),
    ])
  func terminal(text: String, expected: String) {
    #expect(SafeText.terminal(text).unicodeScalars.elementsEqual(expected.unicodeScalars))
  }

  @Test func hasNoForbiddenCharacterWhateverItIs() {
    var everything = String.UnicodeScalarView()
    for value in UInt32(0)..<0x3000 {
      if let scalar = Unicode.Scalar(value) { everything.append(scalar) }
    }
    for scalar in SafeText.terminal(String(everything), limit: .max).unicodeScalars {
      let value = scalar.value
      #expect(value >= 0x20 && !(0x7F..<0xA0).contains(value), "\(value)")
      #expect(!(0x2028...0x202E).contains(value) && !(0x2066...0x2069).contains(value))
      #expect(value != 0x061C && value != 0x200E && value != 0x200F)
    }
  }

  @Test func isCutWithItsFullLengthBehind() {
    let text = String(repeating: "x", count: 5000)
    #expect(SafeText.terminal(text, limit: 3) == "xxx… (5000 characters)")
    #expect(SafeText.terminal("xxx", limit: 3) == "xxx")
    #expect(SafeText.terminal(text).utf8.count < 300)
  }

  @Test(
    "is escaped for pages",
    arguments: [
      ("<b a='1' c=\"2\">&amp;", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;"),
      ("one\ntwo\u{1B}", "one\ntwo\\u{1b}"),
    ])
  func html(text: String, expected: String) { #expect(SafeText.html(text) == expected) }

  @Test(
    "is quoted for tables, and no formula",
    arguments: [
      ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""),
      ("two\nlines", "\"two\nlines\""), ("=1+1", "'=1+1"), ("@cmd", "'@cmd"),
      ("-0.5", "-0.5"), ("+1e-3", "+1e-3"), ("-x,y", "\"'-x,y\""), ("", ""),
    ])
  func csv(text: String, expected: String) { #expect(SafeText.csvField(text) == expected) }
}

@Suite("A readable number")
struct ReadableTests {
  @Test(
    "has its digits in groups",
    arguments: [
      (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-12_345, "-12,345"),
      (Int.min, "-9,223,372,036,854,775,808"),
    ])
  func counts(count: Int, expected: String) { #expect(Readable.count(count) == expected) }

  @Test func agreesWithWhatItCounts() {
    #expect(Readable.count(1, "tensor") == "1 tensor")
    #expect(Readable.count(2000, "tensor") == "2,000 tensors")
    #expect(Readable.count(0, "entry", "entries") == "0 entries")
  }

  @Test(
    "of bytes has a unit",
    arguments: [
      (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
      (999_950, "1.0 MB"), (12_345_678_901, "12.3 GB"), (Int.max, "9.2 EB"),
    ])
  func bytes(count: Int, expected: String) { #expect(Readable.bytes(count) == expected) }

  @Test(
    arguments: [
      (27.12e12, "27.1 TFLOP"), (129_000, "129.0 kFLOP"), (7, "7 FLOP"), (999.96e9, "1.0 TFLOP"),
    ] as [(Double, String)])
  func operations(count: Double, expected: String) {
    #expect(Readable.operations(count) == expected)
  }

  @Test(
    "of parameters is in words",
    arguments: [
      (9216, "9,216"), (18_677_760, "18.7 million"), (11_901_408_320, "11.9 billion"),
    ])
  func parameters(count: Int, expected: String) {
    #expect(Readable.parameters(count) == expected)
  }

  @Test func hasTheDigitsAskedFor() {
    #expect(Readable.fixed(0.125, places: 2) == "0.12")
    #expect(Readable.fixed(-1.0 / 3, places: 4) == "-0.3333")
    #expect(Readable.fixed(1e300, places: 0).utf8.count == 301)
    #expect(Readable.fixed(.nan, places: 3).hasSuffix("nan"))
    #expect(Readable.significant(0.000_000_123_4, digits: 3) == "1.23e-07")
    #expect(Readable.significant(1234.5, digits: 6) == "1234.5")
  }

  @Test(
    "of a duration has the units one says",
    arguments: [
      (0.004, "0.00 s"), (0.42, "0.42 s"), (0.998, "1.0 s"), (5.25, "5.2 s"), (9.96, "10 s"),
      (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min"),
      (1e30, "2500000000000 h 00 min"), (-3, "0.00 s"),
    ])
  func durations(seconds: Double, expected: String) {
    #expect(Readable.duration(.seconds(min(seconds, 9e15))) == expected)
  }
}

@Suite("A table")
struct TextTableTests {
  @Test func alignsItsColumns() {
    var table = TextTable([.left, .right, .left])
    table.add(["name", "bytes", "dtype"])
    table.add(["a", "12", "bf16"])
    table.add(["longer name", "3"])
    let lines = [
      " name         bytes  dtype",
      " a               12  bf16",
      " longer name      3",
    ]
    #expect(table.text(indent: 1) == lines.map { $0 + "\n" }.joined())
  }

  @Test func isEmptyWithoutRows() { #expect(TextTable([.left]).text() == "") }
}
