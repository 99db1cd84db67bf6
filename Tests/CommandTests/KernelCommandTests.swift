import Glibc
import JSON
import Pictures
import SystemPackage
import TestSupport
import Testing

/// Kernels that every x86-64 processor runs stand for those that a new processor would be given:
/// Prescott for what OpenBLAS chose, Nehalem for what is better.
@Suite("Commands that multiply matrices", .serialized)
struct KernelCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func draw(
    _ name: String, _ environment: [String: String]
  ) throws -> (errors: String, arithmetic: String?, prompt: String?) {
    let outcome = try BuiltCommand("glance-sample").run(
      [
        "--model", Fixtures.model("tiny-flux").string, "--size", "64x64", "--schedule", "teacher:4",
        "--prompt", "a “red”  star\n$HOME", "--verbose", "--output", path(name),
      ], environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let texts = try PictureFile(opening: folder.path.appending(name)).texts
    let settings = try JSONValue(parsing: texts.first { $0.key == "glance" }?.text ?? "")
    return (
      String(outcome.errors.prefix { $0 != "\n" }), settings["arithmetic"]?.string,
      settings["prompt"]?.string
    )
  }

  @Test("take the kernels that the user asks for, and record them")
  func asked() throws {
    let found = try draw("a.png", ["OPENBLAS_CORETYPE": "Prescott"])
    #expect(found.errors.hasPrefix("glance-sample: matrix products run on OpenBLAS "))
    #expect(found.errors.hasSuffix("'s Prescott kernels, as OPENBLAS_CORETYPE asks"))
    #expect(found.arithmetic?.hasPrefix("OpenBLAS ") == true)
    #expect(found.arithmetic?.contains(" Prescott, ") == true)
  }

  @Test("start again with better kernels than OpenBLAS chose: the same picture as when asked for")
  func startedAgain() throws {
    let found = try draw(
      "a.png", ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose:Nehalem"])
    #expect(
      found.errors.hasSuffix(
        "'s Nehalem kernels; of itself OpenBLAS chose Prescott, which is too old for this processor"
      ))
    #expect(found.arithmetic?.contains(" Nehalem, ") == true)
    #expect(found.prompt == "a “red”  star\n$HOME")
    _ = try draw("b.png", ["OPENBLAS_CORETYPE": "Nehalem"])
    #expect(
      try contents(of: folder.path.appending("a.png"))
        == contents(of: folder.path.appending("b.png")))
  }

  // Bulldozer's products use instructions that other processors lack; the second name is none.
  @Test(
    "keep OpenBLAS's choice where better kernels can't run", arguments: ["Bulldozer", "Katmandu"])
  func trialFails(core: String) throws {
    let found = try draw(
      "a.png", ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose:\(core)"])
    #expect(
      found.errors.hasSuffix(
        "'s Prescott kernels, its own choice; this processor should run \(core), but that did not "
          + "stand a trial"))
    #expect(found.arithmetic?.contains(" Prescott, ") == true)
  }

  @Test("train on with other kernels, and say so")
  func resuming() throws {
    func train(_ core: String, _ more: String...) throws -> BuiltCommand.Outcome {
      let running = try BuiltCommand("glance-train-lora").start(
        [
          "--model", Fixtures.model("tiny-flux").string,
          "--image", Fixtures.model("sample").appending("00.png").string, "--caption", "a circle",
          "--steps", "4000", "--save-every", "1", "--output", path("run"),
        ] + more, environment: ["OPENBLAS_CORETYPE": core])
      usleep(900_000)
      kill(running.process, SIGINT)
      return try running.outcome()
    }
    #expect(try train("Nehalem").status == 130)
    let again = try train("Prescott", "--resume")
    #expect(again.status == 130)
    let lines = again.errors.split(separator: "\n").filter { $0.contains("goes on with") }
    #expect(lines.count == 1)
    let line = lines.first ?? ""
    #expect(line.contains("warning: the state was computed with OpenBLAS "))
    #expect(line.contains(" Nehalem, ") && line.contains(" Prescott, "))
    let same = try train("Prescott", "--resume")
    #expect(!same.errors.contains("goes on with"))
  }
}
