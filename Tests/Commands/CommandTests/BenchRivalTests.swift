import JSON
import SystemPackage
import TestSupport
import Testing

/// A shell script stands in for a Python that has PyTorch.
@Suite("glance-bench --python", .serialized)
struct BenchRivalTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-bench")

  init() throws { folder = try TemporaryFolder() }

  /// A program that answers requests, and notes them in `requests`.
  private func python(_ prepared: String = #"{"id": 7}"#, hello: String? = nil) throws -> String {
    let hello = hello ?? #"{"versions": {"Python": "3.99.1", "torch": "9.8.7"}}"#
    let script = """
      #!/bin/sh
      while read -r line; do
        printf '%s\\n' "$line" >> '\(folder.path)/requests'
        case "$line" in
        *'"hello"'*) echo '\(hello)' ;;
        *'"prepare"'*) echo '\(prepared)' ;;
        *'"run"'*) echo '{"seconds": 2, "cpu_seconds": 4}' ;;
        *) echo '{}' ;;
        esac
      done
      """
    let file = try folder.write(Array(script.utf8), to: "python")
    try folder.setPermissions(.ownerReadWriteExecute, of: "python")
    return file.string
  }

  private func requests() throws -> [JSONValue] {
    let text = String(decoding: try contents(of: folder.path.appending("requests")), as: UTF8.self)
    return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  private func run(_ arguments: [String], _ python: String) throws -> BuiltCommand.Outcome {
    try command.run(
      arguments + ["--python", python, "--rounds", "2", "--threads", "1", "--quiet"])
  }

  @Test("times what Python tells, prepared once and run every round")
  func products() throws {
    let outcome = try run(
      ["gemm", "--rows", "8", "--shapes", "96x64", "--precision", "float32", "--json"],
      try python())
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try JSONValue(parsing: outcome.output)
    #expect(report["versions"] == ["Python": "3.99.1", "torch": "9.8.7"])
    for comparison in try #require(report["comparisons"]?.array) {
      let contenders = try #require(comparison["contenders"]?.array)
      #expect(
        contenders.map { $0["name"] } == [
          "glance float32", "PyTorch float32", "OpenBLAS float32",
        ])
      #expect(contenders[1]["samples"]?.array?.count == 2)
      #expect(contenders[1]["seconds"]?.double == 2)
      #expect(contenders[1]["cpu_seconds"]?.double == 4)
      // 2 x 8 x 96 x 64 operations in 4 seconds.
      #expect(contenders[1]["gflops_per_cpu_second"]?.double == 24576e-9)
    }
    let rivals = try #require(report["rivals"]?.array)
    #expect(rivals.map { $0["rival"] } == ["PyTorch float32", "PyTorch float32"])
    #expect(rivals.map { $0["group"] } == ["y = x·Wᵀ, 8 rows", "dx = dy·W, 8 rows"])
    let asked = try requests()
    let words = asked.compactMap { $0["op"]?.string }
    #expect(
      words.filter { $0 != "run" } == ["hello", "prepare", "drop", "prepare", "drop"])
    // Three times each, and twice more each round where somebody disturbs the machine.
    #expect(6...14 ~= words.count { $0 == "run" })
    #expect(words.last == "drop")
    #expect(asked[0]["threads"] == 1)
    #expect(asked[0]["packages"] == ["torch"])
    #expect(
      asked[1]["arguments"] == [
        "rows": 8, "outputs": 96, "inputs": 64, "forward": true, "dtype": "float32",
      ])
    #expect(asked[2]["id"] == 7)
  }

  @Test("names ours, the rival and the ratio below a table")
  func table() throws {
    let outcome = try run(["attention", "--tokens", "16", "--heads", "2"], try python())
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines[2] == "Python 3.99.1, torch 9.8.7")
    for precision in ["float32", "bfloat16"] {
      let start = "  glance \(precision) against PyTorch \(precision): ratio "
      #expect(lines.count { $0.hasPrefix(start) && $0.hasSuffix(" of the seconds") } == 2)
    }
  }

  @Test("asks for both memory formats of a convolution")
  func convolutions() throws {
    let outcome = try run(["convolution", "--maps", "8x16"], try python())
    #expect(outcome.status == 0, "\(outcome.errors)")
    let asked = try requests().filter { $0["op"] == "prepare" }.compactMap { $0["arguments"] }
    #expect(asked.map { $0["channels_last"] } == [false, false, true, true])
    #expect(asked.map { $0["dtype"] } == ["float32", "bfloat16", "float32", "bfloat16"])
    #expect(asked.allSatisfy { $0["channels"] == 8 && $0["side"] == 16 })
  }

  @Test("asks for both memory formats and precisions of a model's decoding")
  func decoding() throws {
    let model = Fixtures.model("tiny-flux").string
    let outcome = try run(
      ["convolution", "--model", model, "--sides", "32", "--json"],
      try python(#"{"id": 7, "anonymous_bytes": 5, "whole_bytes": 9}"#))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let asked = try requests()
    #expect(asked[0]["packages"] == ["torch", "diffusers"])
    let prepared = asked.filter { $0["op"] == "prepare" }
    #expect(prepared.allSatisfy { $0["subject"] == "decoding" })
    let arguments = prepared.compactMap { $0["arguments"] }
    #expect(arguments.map { $0["channels_last"] } == [false, false, true, true])
    #expect(arguments.map { $0["dtype"] } == ["float32", "bfloat16", "float32", "bfloat16"])
    #expect(
      arguments.allSatisfy {
        $0["folder"]?.string == model && $0["latent"] == [1, 16, 4, 4]
      })
    let report = try JSONValue(parsing: outcome.output)
    let contenders = try #require(report["comparisons"]?.array?.first?["contenders"]?.array)
    let rival = try #require(contenders.first { $0["name"] == "PyTorch bfloat16, channels last" })
    #expect(rival["seconds"]?.double == 2)
    #expect(rival["anonymous_bytes"] == 5)
    #expect(rival["whole_anonymous_bytes"] == 9)
  }

  @Test(
    "says in one line what a Python lacks or answers",
    arguments: [
      (
        #"{"missing": ["torch"]}"#,
        "PYTHON: lacks torch; install with 'PYTHON -m pip install torch', or name another Python"
      ),
      (#"{"error": "OSError: no disk"}"#, "PYTHON: hello: OSError: no disk"),
      ("Welcome!", "PYTHON: expected a Python that answers in JSON, found 'Welcome!'"),
    ])
  func lacking(hello: String, message: String) throws {
    let python = try python(hello: hello)
    let outcome = try run(["gemm"], python)
    #expect(outcome.status == 69)
    #expect(outcome.output == "")
    #expect(
      outcome.errors == "glance-bench: \(message.replacing("PYTHON", with: python))\n")
  }

  @Test("says what work throws there")
  func failing() throws {
    let python = try python(#"{"error": "RuntimeError: no memory"}"#)
    let outcome = try run(["convolution", "--maps", "8x16"], python)
    #expect(outcome.status == 69)
    #expect(outcome.errors == "glance-bench: \(python): convolution: RuntimeError: no memory\n")
  }

  @Test("is refused where there is no such program, and where PyTorch has no part")
  func refusals() throws {
    let absent = try run(["gemm"], "/nowhere/python")
    #expect(absent.status == 69)
    #expect(
      absent.errors
        == "glance-bench: /nowhere/python: can't be started: No such file or directory\n")
    let ended = try run(["gemm"], "false")
    #expect(ended.status == 69)
    #expect(ended.errors == "glance-bench: false: ended with status 1\n")
    let other = try run(["sample"], "python3")
    #expect(other.status == 64)
    #expect(
      other.errors.contains("--python is for gemm, attention, convolution, step, not for sample."))
    let model = try run(["step", "--model", "x"], "python3")
    #expect(model.status == 64)
    #expect(model.errors.contains("--python is for made-up weights, not for step of a --model."))
  }
}
