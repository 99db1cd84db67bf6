import JSON
import TestSupport
import Testing

/// The memory that a plan tells, against what the process takes.
@Suite("Memory of glance-train-lora", .serialized)
struct TrainingMemoryTests {
  private let command = BuiltCommand("glance-train-lora")

  private struct Case: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let recomputed: ClosedRange<Double>
    var keptAs = "float32"
    var testDescription: String { arguments.joined(separator: " ") }
  }

  // A long caption makes the transformer's step the peak, a large picture the autoencoder.
  private static let cases = [
    Case(
      arguments: ["--resolution", "256x256", "--text-tokens", "4096"], recomputed: 0...0),
    Case(
      arguments: ["--resolution", "256x256", "--text-tokens", "4096", "--memory", "100MB"],
      recomputed: 1...5),
    Case(
      arguments: ["--resolution", "256x256", "--text-tokens", "4096", "--memory", "1MB"],
      recomputed: 4...6),
    Case(
      arguments: [
        "--resolution", "256x256", "--text-tokens", "4096", "--precision", "bfloat16",
      ], recomputed: 0...0, keptAs: "bfloat16"),
    Case(arguments: ["--resolution", "1024x1024"], recomputed: 0...0),
  ]

  @Test("is what the plan says, within a tenth", arguments: cases)
  private func planned(_ case: Case) throws {
    // What the program itself holds shows in a run that needs little else.
    let little = try run(["--resolution", "64x64", "--text-tokens", "16"])
    let found = try run(`case`.arguments)
    #expect(`case`.recomputed.contains(try #require(found.plan["recomputed_blocks"]?.double)))
    #expect(found.plan["kept_as"]?.string == `case`.keptAs)
    let taken = found.peak - (little.peak - little.planned)
    #expect(
      abs(taken / found.planned - 1) < 0.1,
      "planned \(found.planned) bytes, found \(taken) of \(found.peak)")
  }

  @Test("computes no block again where the adapter alone takes more than the limit")
  func largeAdapter() throws {
    let folder = try TemporaryFolder()
    let few = ["--resolution", "64x64", "--text-tokens", "16", "--steps", "1", "--memory", "1MB"]
    var arguments = tinyTraining(
      in: folder, few + ["--preset", "teacher:1", "--dry-run", "--json"])
    let place = try #require(arguments.firstIndex(of: "--rank")) + 1
    for (rank, recomputed) in [("4", 1...6), ("64", 0...0)] {
      arguments[place] = rank
      let plan = try JSONValue(parsing: command.run(arguments).output)
      #expect(recomputed.contains(try #require(plan["recomputed_blocks"]?.integer)), "\(rank)")
      let warnings = plan["warnings"]?.array?.compactMap(\.string) ?? []
      let isSaid = warnings.contains {
        $0.hasSuffix(
          "more than the 1000000 that it may: more blocks computed again would hardly change that")
      }
      #expect(isSaid == (recomputed == 0...0), "\(rank): \(warnings)")
    }
  }

  /// What a training's plan says, its bytes, and how many the process takes.
  private func run(
    _ more: [String]
  ) throws -> (plan: JSONValue, planned: Double, peak: Double) {
    let folder = try TemporaryFolder()
    let arguments = tinyTraining(in: folder, ["--steps", "1", "--preset", "teacher:1"] + more)
    let plan = try JSONValue(parsing: command.run(arguments + ["--dry-run", "--json"]).output)
    let (outcome, peak) = try command.start(arguments).outcomeWithPeak()
    #expect(outcome.status == 0, "\(outcome.errors)")
    return (plan, try #require(plan["memory_bytes"]?.double), Double(peak))
  }
}
