import JSON
import TestSupport
import Testing

/// The memory that a plan tells, against what the process takes.
@Suite("Memory of glance-train-lora", .serialized)
struct TrainingMemoryTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-train-lora")

  init() throws { folder = try TemporaryFolder() }

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
      recomputed: 6...6),
    Case(
      arguments: [
        "--resolution", "256x256", "--text-tokens", "4096", "--precision", "bfloat16",
      ], recomputed: 0...0, keptAs: "bfloat16"),
    Case(arguments: ["--resolution", "1024x1024"], recomputed: 0...0),
  ]

  @Test("is what the plan says, within a tenth", arguments: cases)
  private func planned(_ case: Case) throws {
    let arguments = tinyTraining(
      in: folder, ["--steps", "1", "--preset", "teacher:1"] + `case`.arguments)
    let plan = try JSONValue(parsing: command.run(arguments + ["--dry-run", "--json"]).output)
    let planned = try #require(plan["memory_bytes"]?.double)
    #expect(`case`.recomputed.contains(try #require(plan["recomputed_blocks"]?.double)))
    #expect(plan["kept_as"]?.string == `case`.keptAs)
    let (outcome, peak) = try command.start(arguments).outcomeWithPeak()
    #expect(outcome.status == 0, "\(outcome.errors)")
    // The program itself holds some 5 MB.
    let taken = Double(peak) - 5e6
    #expect(
      abs(taken / planned - 1) < 0.1, "planned \(planned) bytes, found \(peak)")
  }
}
