import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("A signal under --json")
struct InterruptedJSONTests {
  @Test func isToldToPrograms() throws {
    let folder = try TemporaryFolder()
    let running = try BuiltCommand("glance-sample").start([
      "--model", Fixtures.model("tiny-flux").string, "--size", "32x32", "--prompt", "x", "--count",
      "10000", "--json", "--quiet", "--output", folder.path.appending("x.png").string,
    ])
    #expect(running.waits { !folder.entries.isEmpty })
    running.send(SIGINT)
    let outcome = try running.outcome()
    #expect(outcome.status == 130)
    #expect(outcome.errors == "glance-sample: interrupted\n")
    #expect(
      try JSONValue(parsing: outcome.output) == [
        "format": "glance-failure/1", "command": "glance-sample", "status": 130, "kind": "signal",
        "error": "interrupted",
      ])
  }
}
