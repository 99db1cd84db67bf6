import JSON
import Testing

@Suite("Reading and writing JSON")
struct JSONValueTests {
  @Test func keepsIntegersAndNumbersApart() throws {
    let value = try JSONValue(parsing: #"{"a": 4, "b": 4.0, "c": ["x", null, true]}"#)
    #expect(value == ["a": 4, "b": 4.0, "c": ["x", .null, true]])
    #expect(value["b"]?.integer == nil)
  }

  @Test(arguments: ["", "{", "[1,]", "{} x", #"{"a":01}"#, "nul"])
  func refusesBrokenText(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test func escapesWhatATerminalWouldActOn() {
    let value: JSONValue = ["k": "a\u{1B}[31m\u{202E}\"\\\n"]
    #expect(value.text() == #"{"k":"a\u001b[31m\u202e\"\\\n"}"#)
  }
}
