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
        "--prompt", "a “red”  star\n$HOME", "--verbose", "--blas", "--output", path(name),
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

  @Test("say so where OpenBLAS doesn't know the kernels that the user asks for")
  func unknown() throws {
    let found = try draw("a.png", ["OPENBLAS_CORETYPE": "Katmandu"])
    #expect(
      found.errors.hasSuffix(
        " kernels; OPENBLAS_CORETYPE asks for 'Katmandu', which OpenBLAS did not take"))
  }

  @Test("start again below a program that ignores the ends of its children")
  func ignoredChildren() throws {
    let outcome = try BuiltCommand("glance-sample").shell(
      "exec perl -e '$SIG{CHLD} = \"IGNORE\"; exec @ARGV' \"$COMMAND\" --model "
        + "'\(Fixtures.model("tiny-flux"))' --size 64x64 --prompt x --dry-run --verbose --output x.png",
      environment: ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose:Nehalem"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("'s Nehalem kernels; of itself OpenBLAS chose Prescott, "))
  }

  @Test(
    "take a trial before they look at their arguments, every one that multiplies",
    arguments: ["glance-bench", "glance-merge", "glance-sample", "glance-train-lora"])
  func everyCommand(name: String) throws {
    for (core, status) in [("Nehalem", Int32(0)), ("Katmandu", 1)] {
      let outcome = try BuiltCommand(name).run(
        ["--version"], environment: ["OPENBLAS_CORETYPE": core, "GLANCE_KERNELS": "trial"])
      #expect(outcome.status == status)
      #expect(outcome.output == "")
    }
  }

  @Test("train on with other kernels, and say so")
  func resuming() throws {
    func train(_ environment: [String: String], _ steps: String) throws -> BuiltCommand.Outcome {
      let outcome = try BuiltCommand("glance-train-lora").run(
        tinyTraining(
          in: folder,
          ["--phase", "slow", "--keep-state", "--resume", "--verbose", "--steps", steps]),
        environment: environment)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome
    }
    // Started again, as it is where OpenBLAS chose too low.
    let first = try train(
      ["OPENBLAS_CORETYPE": "Prescott", "GLANCE_KERNELS": "choose:Nehalem"], "1")
    #expect(first.errors.contains("'s Nehalem kernels; of itself OpenBLAS chose Prescott, "))
    let again = try train(["OPENBLAS_CORETYPE": "Prescott"], "2")
    let lines = again.errors.split(separator: "\n").filter { $0.contains("goes on with") }
    #expect(lines.count == 1)
    let line = lines.first ?? ""
    #expect(line.contains("warning: the state was computed with OpenBLAS "))
    #expect(line.contains(" Nehalem, ") && line.contains(" Prescott, "))
    let same = try train(["OPENBLAS_CORETYPE": "Prescott"], "3")
    #expect(!same.errors.contains("goes on with"))
  }
}
