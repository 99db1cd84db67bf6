import JSON
import TestSupport
import Testing

@Suite("Reading and writing JSON")
struct JSONValueTests {
  @Test func keepsIntegersAndNumbersApart() throws {
    let value = try JSONValue(parsing: #"{"a": 4, "b": 4.0, "c": ["x", null, true]}"#)
    #expect(value == ["a": 4, "b": 4.0, "c": ["x", .null, true]])
    #expect(value["b"]?.integer == nil)
  }

  @Test(
    arguments: [
      ("", "no JSON value at byte 0"), ("{", "JSON ends early at byte 1"),
      ("[1,]", "expected a value at byte 3"), ("{} x", "text after the JSON value at byte 3"),
      (#"{"a":01}"#, "expected ',' or '}' at byte 6"), ("nul", "expected a value at byte 0"),
      ("NaN", "expected a value at byte 0"), ("Infinity", "expected a value at byte 0"),
      ("'a'", "expected a value at byte 0"), ("1e999", "number out of range at byte 0"),
    ])
  func refusesBrokenText(text: String, reason: String) {
    expectRefusal(JSONError.self, saying: reason) { try JSONValue(parsing: text) }
  }

  /// Strings are scanned eight bytes at a time: what ends or breaks them is seen wherever it stands.
  @Test(arguments: ["a", "\u{7F}", "é", "\u{FFFF}"])
  func seesWhatEndsAString(filler: String) throws {
    for place in 0..<20 {
      let before = String(repeating: filler, count: place)
      let after = String(repeating: filler, count: 20 - place)
      #expect(try JSONValue(parsing: "\"\(before)\(after)\"") == .string(before + after))
      #expect(
        try JSONValue(parsing: "\"\(before)\\\"\(after)\"") == .string(before + "\"" + after))
      let byte = 1 + before.utf8.count
      for (special, fault, end) in [
        ("\u{1F}", JSONError.Fault.controlCharacter, byte), ("\0", .controlCharacter, byte),
        ("\"", .trailingText, byte + 1), ("\\x", .invalidEscape, byte),
      ] {
        let text = "\"\(before)\(special)\(after)\""
        #expect(throws: JSONError(fault, byte: end)) { try JSONValue(parsing: text) }
      }
    }
  }

  @Test(
    arguments: [
      ("4", 4), ("-0.5e1 ", -5.0), ("\"x\"", "x"), (" true", true), ("null", .null), ("[]", []),
      ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
      // Beyond 64 bits with sign: a number. The last is a tokenizer's "no limit".
      ("9223372036854775808", .number(0x1p63)),
      ("1000000000000000019884624838656", .number(0x1p64)),
    ] as [(String, JSONValue)])
  func readsSingleValues(text: String, expected: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == expected)
  }

  @Test(
    arguments: [
      (#"{"a":1,"a":1}"#, .duplicateKey("a"), 7), (#"{"a":1,"\u0061":2}"#, .duplicateKey("a"), 7),
      (#"[{"x":{"k":1,"k":2}}]"#, .duplicateKey("k"), 13), (#"{"a\u0000b":1}"#, .nulInKey, 1),
      (#"{"\ud800":1}"#, .loneSurrogate, 2), (#"["\udc00"]"#, .loneSurrogate, 2),
      ("", .empty, 0), (" ", .empty, 1), ("[1", .endsEarly, 2), ("[1]]", .trailingText, 3),
      ("[tru]", .expected("a value"), 1),
    ] as [(String, JSONError.Fault, Int)])
  func refusesWhatJSONCWouldHide(text: String, fault: JSONError.Fault, byte: Int) {
    #expect(throws: JSONError(fault, byte: byte)) { try JSONValue(parsing: text) }
  }

  @Test func refusesBytesThatAreNotUTF8() {
    let bytes: [UInt8] = [0x22, 0xC0, 0x80, 0x22]
    #expect(throws: JSONError(.invalidUTF8, byte: 1)) {
      try unsafe JSONValue(parsing: bytes.span.bytes)
    }
  }

  @Test func keysThatLookEqualAreDifferent() throws {
    let value = try JSONValue(parsing: #"{"\u00e9":1,"e\u0301":2}"#)
    #expect(value["\u{E9}"] == 1)
    #expect(value["e\u{301}"] == 2)
  }

  @Test func valuesMayHoldNUL() throws {
    let value = try JSONValue(parsing: #"["a\u0000b"]"#)
    #expect(value.array?.first?.string.map { Array($0.utf8) } == [0x61, 0, 0x62])
    #expect(value.text() == #"["a\u0000b"]"#)
  }

  @Test(arguments: [(64, true), (65, false)])
  func nestingIsLimited(depth: Int, isAccepted: Bool) {
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    let objects =
      String(repeating: "{\"k\":", count: depth) + "1" + String(repeating: "}", count: depth)
    for text in [text, objects] {
      #expect(((try? JSONValue(parsing: text)) != nil) == isAccepted)
    }
  }

  @Test func manyKeysTakeLinearTime() throws {
    let keys = (0..<50_000).map { "\"key\($0)\":\($0)" }
    let value = try JSONValue(parsing: "{" + keys.joined(separator: ",") + "}")
    #expect(value.object?.members.count == 50_000)
    #expect(value.object?.members.last?.value == 49_999)
  }

  @Test func escapesWhatATerminalWouldActOn() {
    let value: JSONValue = ["k": "a\u{1B}[31m\u{202E}\"\\\n"]
    #expect(value.text() == #"{"k":"a\u001b[31m\u202e\"\\\n"}"#)
  }

  @Test func textReadsBackTheSame() throws {
    let value: JSONValue = [
      "numbers": [0.1, 1e300, -0.0, 123_456_789_012, 2e-308], "text": "é\u{1F600}\t\u{7F}",
      "nested": ["empty": [:], "list": [[1], []]],
    ]
    #expect(try JSONValue(parsing: value.text()) == value)
    #expect(try JSONValue(parsing: value.text(.pretty)) == value)
  }
}
