internal import ArgumentParser
internal import Benchmarking
internal import SystemPackage

/// Whom arithmetic is timed against besides.
struct RivalSubjects: ParsableArguments {
  @Option(
    help: """
      A Python whose PyTorch is timed too, in both precisions, in turns with ours: an interpreter with \
      torch, for step with diffusers and peft as well, for a model's convolution with diffusers.
      """, completion: .file())
  var python: FilePath?

  private static let subjects: [Bench.Subject] = [.gemm, .attention, .convolution, .step]

  /// Every option, whether it was given, and what it is for.
  var given: [(name: String, isGiven: Bool, subjects: [Bench.Subject])] {
    [("--python", python != nil, Self.subjects)]
  }

  /// Whether it could be timed and nobody named it.
  func isMissing(for subject: Bench.Subject, hasModel: Bool) -> Bool {
    python == nil && Self.subjects.contains(subject) && (!hasModel || subject == .convolution)
  }

  /// Starts it, where it was asked for.
  func rivals(_ packages: PythonRivals.Packages) throws -> PythonRivals? {
    try python.map { try PythonRivals(python: $0, packages: packages) }
  }
}
