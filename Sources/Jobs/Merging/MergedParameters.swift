internal import Adapters
public import Checkpoints
internal import Concurrency
internal import Elements
internal import Files
internal import Rewriting
internal import SystemPackage
internal import Tensors

/// Merges that are written nowhere: for computing with adapters that are no low-rank pairs.
extension OpenedCheckpoint {
  /// The parameters of a transformer with adapters merged into those that they change.
  ///
  /// Merged numbers are W + delta, summed in double precision and rounded to float32 once, as a bake into F32
  /// stores them. They are computed when they are read, every time, and not kept, so that a model of any size
  /// takes no more memory than without adapters.
  ///
  /// - Parameter adapters: all that are merged; every module must have its place.
  /// - Returns: the parameters under their canonical names; those that no adapter changes stay where they are.
  /// - Throws: ``MergeError`` when an adapter doesn't fit.
  public func parameters(merging adapters: [MergedAdapter]) throws -> StoredParameters {
    let architecture = try architecture()
    let request = BakeRequest(base: path, output: path, adapters: adapters)
    var changes = WantedChanges(mayLeaveOut: false)
    for merged in adapters { _ = try changes.collect(merged, request, architecture) }
    return try parameters(merging: changes, architecture)
  }

  /// The parameters of a text encoder with what adapters do to it merged in; see
  /// ``parameters(merging:)``.
  ///
  /// - Parameters:
  ///   - adapters: all that are merged; every module must have its place.
  ///   - component: which text encoder of its pipeline this is: `text_encoder`, `text_encoder_2`.
  /// - Returns: the parameters under their canonical names.
  /// - Throws: ``MergeError`` when an adapter doesn't fit.
  public func parameters(
    merging adapters: [MergedAdapter], ofEncoder component: String
  ) throws -> StoredParameters {
    let (model, layout) = try textEncoder()
    let request = BakeRequest(
      base: path.removingLastComponent(), output: path, adapters: adapters)
    var changes = WantedChanges(mayLeaveOut: false)
    for merged in adapters {
      _ = try changes.collect(merged, ofEncoder: component, model.entries(in: layout), request)
    }
    return try parameters(merging: changes, model)
  }

  /// What a text encoder is, tensor by tensor, and how its file names them.
  ///
  /// - Throws: ``CheckpointError/notRecognised(file:expected:found:)``.
  func textEncoder() throws(CheckpointError) -> (model: ComponentArchitecture, layout: Layout) {
    guard let model = description.component, let layout = description.layout else {
      throw .notRecognised(
        file: path, expected: "a text encoder, which an adapter changes", found: description.title)
    }
    return (model, layout)
  }

  /// The parameters of a model with changes merged into those that they change.
  private func parameters(
    merging changes: WantedChanges, _ model: some NamedModel
  ) throws -> StoredParameters {
    var form = RewritingRequest(input: path, output: "merged.safetensors")
    form.layout = description.layouts[0].name
    form.form.dtype = .f32
    form.dropsSwitches = true
    form.mayLackParts = true
    let plan = try RewritingPlan(form, input: self, changed: changes.parameters)
    let deltas = try changes.deltas(plan, model)
    let maker = BakeMaker(plan.tensors, deltas: deltas)
    let prefix = plan.target?.prefix ?? ""
    let changed = plan.tensors.indices.filter { !deltas[$0].isEmpty }
    return try parameters().replacing(
      changed.map { index in
        let name = plan.tensors[index].name
        return TensorView(
          name: String(decoding: name.utf8.dropFirst(prefix.utf8.count), as: UTF8.self),
          dtype: .f32, shape: plan.tensors[index].shape,
          content: MergedContent(file: path, maker: maker, tensor: index))
      })
  }
}

/// A merged tensor's numbers, computed when they are asked for.
private struct MergedContent: TensorContent {
  let file: FilePath
  let maker: BakeMaker
  let tensor: Int

  func read(_ range: Range<Int>, into output: inout MutableRawSpan) throws(FileError) {
    let width = MemoryLayout<Float>.size
    precondition(
      range.lowerBound % width == 0 && range.upperBound % width == 0, "numbers are read whole")
    let elements = range.lowerBound / width..<range.upperBound / width
    let runs = TensorPortions.runs(of: elements)
    do {
      try unsafe output.withUnsafeMutableBytes { output in
        // Runs go to places of their own.
        nonisolated(unsafe) let numbers = unsafe output.assumingMemoryBound(to: Float.self)
        // A merge costs some operations for every rank and number.
        try Parallel.forEachThrowing(runs.count, work: 16 * elements.count) { index in
          let first = runs[index].lowerBound - elements.lowerBound
          var part = unsafe MutableSpan(
            _unsafeElements: UnsafeMutableBufferPointer(
              rebasing: numbers[first..<first + runs[index].count]))
          try maker.merged(runs[index], of: tensor, into: &part)
        }
      }
    } catch {
      throw error as? FileError
        ?? .damagedContent(file: file, detail: "tensor '\(maker.tensors[tensor].name)': \(error)")
    }
  }
}
