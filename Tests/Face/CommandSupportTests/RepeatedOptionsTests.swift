import TestSupport
import Testing

@Suite("An option that takes one value")
struct RepeatedOptionsTests {
  private let probe = BuiltCommand("command-probe")

  @Test(
    "is refused when it is given twice",
    arguments: [
      (["--text", "a", "--text", "b"], "--text: given 2 times ('a', 'b'), takes one value"),
      (["--text=a", "--text", "b", "--text="], "--text: given 3 times ('a', 'b', '')"),
      (["--lines", "1", "--text", "a", "--lines=1"], "--lines: given 2 times ('1', '1')"),
      (["--threads", "1", "--threads", "2"], "--threads: given 2 times ('1', '2')"),
    ] as [([String], String)])
  func twice(words: [String], expected: String) throws {
    let run = try probe.run(["print"] + words)
    #expect(run.status == 64)
    #expect(run.output == "")
    #expect(run.errors.hasPrefix("command-probe: \(expected)"), "\(run.errors)")
  }

  @Test("may be a value elsewhere, and flags may be repeated")
  func others() throws {
    #expect(try probe.run(["print", "--quiet", "--quiet", "--lines", "0"]).status == 0)
    let run = try probe.run(["print", "--text", "lines", "--lines", "1"])
    #expect(run.status == 0 && run.output == "line 0\n")
  }
}
