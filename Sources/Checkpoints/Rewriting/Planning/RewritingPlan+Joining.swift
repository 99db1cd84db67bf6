internal import Checkpoints
package import SystemPackage

extension RewritingPlan {
  /// Several plans as one file, each with its own prefix, so that no two tensors have one name.
  ///
  /// - Parameters:
  ///   - plans: at least one; the first gives the header's texts.
  ///   - request: where the file goes.
  package init(joining plans: [RewritingPlan], as request: RewritingRequest) {
    var tensors: [PlannedTensor] = []
    for plan in plans {
      let first = tensors.count
      tensors += plan.tensors.map { tensor in
        let origin: PlannedTensor.Origin =
          switch tensor.origin {
          case .scale(let weight): .scale(ofTensor: first + weight)
          case .blockScales(let weight, let dtype): .blockScales(ofTensor: first + weight, dtype)
          case .elements, .bytes: tensor.origin
          }
        return PlannedTensor(name: tensor.name, shape: tensor.shape, origin: origin)
      }
    }
    self.request = request
    input = plans[0].input
    self.tensors = tensors.aligned
    metadata = plans[0].metadata
    configuration = nil
    target = plans[0].target
    destination = .file
    gguf = nil
    leftOut = plans.flatMap(\.leftOut)
    notes = plans.flatMap(\.notes)
    codedLayers = plans.reduce(CodedLayers()) { $0 + $1.codedLayers }
  }

  /// Carries the plan out in another place.
  ///
  /// - Parameters:
  ///   - path: where the output goes; what it is called is the plan's.
  ///   - progress: as ``write(progress:)`` has it.
  /// - Returns: what was written and lost, with the place that was planned.
  /// - Throws: as ``write(progress:)`` does.
  package func write(
    at path: FilePath, progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> RewritingResult {
    var moved = self
    moved.request.output = path
    moved.request.form.overwrite = false
    var result = try moved.write(progress: progress)
    result.output = request.output
    return result
  }
}

extension RewritingResult {
  /// What this tells of the tensors of one of several plans that were joined.
  package func part(of plan: RewritingPlan) -> RewritingResult {
    let own = Set(plan.tensors.map(\.name))
    var part = RewritingResult(
      output: output, byteCount: plan.byteCount, compressedByteCount: nil,
      losses: losses.filter { own.contains($0.tensor) })
    part.errors = errors.filter { own.contains($0.tensor) }
    return part
  }
}
