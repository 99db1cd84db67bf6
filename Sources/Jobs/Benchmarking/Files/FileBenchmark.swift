internal import Checkpoints
public import Elements
internal import Files
public import Merging
internal import Rewriting
public import SystemPackage
internal import Tensors

/// A checkpoint written anew, against a copy of its bytes by `cp`; both until they are on the disk.
public struct FileBenchmark: Benchmark {
  /// What is done to it.
  public enum Job {
    /// It gets another layout or dtype; nil keeps it.
    case conversion(layout: String?, dtype: DType?)
    /// Adapters are baked in.
    case merge([MergedAdapter])
  }

  private let job: Job
  private let input: FilePath
  private let byteCount: Int
  private let scratch: ScratchFolder

  /// A benchmark.
  ///
  /// - Parameters:
  ///   - job: what is done.
  ///   - checkpoint: to what; of a pipeline, its transformer.
  ///   - folder: where outputs are written, and removed.
  /// - Throws: when the checkpoint can't be read.
  public init(_ job: Job, of checkpoint: FilePath, in folder: FilePath) throws {
    self.job = job
    let opened = try OpenedCheckpoint(opening: checkpoint)
    if case .pipeline(let pipeline) = opened.form {
      input = try pipeline.folder(of: "transformer")
    } else {
      input = checkpoint
    }
    byteCount = opened.source.byteCount
    scratch = ScratchFolder(in: folder)
  }

  /// The job and the copy.
  public func comparisons(
    _ stopwatch: Stopwatch, tell: (_ activity: String) throws -> Void
  ) throws -> [Comparison] {
    let (group, name) =
      switch job {
      case .conversion: ("convert", "glance-convert")
      case .merge: ("merge", "glance-merge")
      }
    try tell("\(group), \(input)")
    let ours = contender(name) {
      let output = scratch.path(input.isRegularFile ? "made.safetensors" : "made")
      try write(to: output)
    }
    let copy = contender("cp and fsync") {
      let output = scratch.path("copy")
      try ChildProcess.run(["cp", "-r", "--", input.string, output.string])
      try ScratchFolder.synchronize(output)
    }
    return [
      Comparison(
        group, input.lastComponent?.string ?? input.string, basis: .wall,
        try stopwatch.time([ours, copy]))
    ]
  }

  private func contender(_ name: String, _ run: @escaping () throws -> Void) -> Contender {
    Contender(
      name: name, bytes: byteCount, prepare: scratch.renew, finish: scratch.discard, run: run)
  }

  private func write(to output: FilePath) throws {
    switch job {
    case .conversion(let layout, let dtype):
      var request = RewritingRequest(input: input, output: output)
      request.layout = layout
      request.form.dtype = dtype
      _ = try RewritingPlan(request).write { _ in }
    case .merge(let adapters):
      let request = BakeRequest(base: input, output: output, adapters: adapters)
      _ = try Bake(request).write { _ in }
    }
  }
}
