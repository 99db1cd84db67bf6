internal import Safetensors
internal import Synchronization
internal import SystemPackage
internal import Tensors

/// What became of one module.
public struct ModuleSurvival: Sendable {
  /// The module's path.
  public let module: String
  /// What survived rounding.
  public let survival: Survival
}

extension BakePlan {
  /// Bytes of a tensor that one thread works on at a time.
  private static let portionBytes = 4 << 20

  private struct Unit {
    let tensor: Int
    let rows: Range<Int>
  }

  /// Writes one file of the plan, in portions on all threads. The temporary is given its name only
  /// when `accept` agrees with what survived.
  ///
  /// - Parameters:
  ///   - index: which of ``files``.
  ///   - path: the destination.
  ///   - metadata: of the file.
  ///   - overwrite: whether it may replace a file.
  ///   - progress: called with bytes that were written, from any thread; may throw to stop.
  ///   - accept: called before the file appears.
  /// - Returns: what survived, one for each delta, in the order of tensors and rows.
  /// - Throws: what can't be read or written, or what the closures throw.
  func writeFile(
    _ index: Int, to path: FilePath, metadata: [(key: String, value: String)], overwrite: Bool,
    progress: @escaping @Sendable (Int) throws -> Void,
    accept: ([ModuleSurvival]) throws -> Void
  ) throws -> [ModuleSurvival] {
    let steps = files[index].steps
    let writer = try SafetensorsWriter(
      creating: path,
      tensors: steps.map {
        TensorDescription(name: $0.base.name, dtype: $0.dtype, shape: $0.base.shape)
      }, metadata: metadata, overwrite: overwrite)
    let units = steps.indices.flatMap { portions(of: steps[$0], tensor: $0) }
    let survivals = Mutex<[[Survival]]>(Array(repeating: [], count: units.count))
    let failure = Mutex<(any Error)?>(nil)
    Parallel.forEach(units.count, work: .max) { number in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        let (bytes, survival) = try Self.write(units[number], steps, writer)
        survivals.withLock { $0[number] = survival }
        try progress(bytes)
      } catch { failure.withLock { if $0 == nil { $0 = error } } }
    }
    if let error = failure.withLock({ $0 }) {
      writer.discard()
      throw error
    }
    // Portions in their order, so that sums don't depend on which thread was first.
    var totals = steps.map { $0.deltas.map { _ in Survival() } }
    for (unit, survival) in zip(units, survivals.withLock { $0 }) {
      for (delta, part) in survival.enumerated() {
        totals[unit.tensor][delta] = totals[unit.tensor][delta] + part
      }
    }
    let modules: [ModuleSurvival] = zip(steps, totals).flatMap { step, totals in
      zip(step.deltas, totals).map { ModuleSurvival(module: $0.module, survival: $1) }
    }
    do { try accept(modules) } catch {
      writer.discard()
      throw error
    }
    try writer.commit()
    return modules
  }

  /// Portions of whole rows; a tensor without rows is one portion.
  private func portions(of step: Step, tensor: Int) -> [Unit] {
    let shape = step.base.shape
    guard shape.count >= 2 || !step.deltas.isEmpty, let rows = shape.first, rows > 0 else {
      return step.base.byteCount == 0 ? [] : [Unit(tensor: tensor, rows: 0..<0)]
    }
    let size = max(1, Self.portionBytes * rows / max(step.base.byteCount, 1))
    return stride(from: 0, to: rows, by: size).map {
      Unit(tensor: tensor, rows: $0..<min(rows, $0 + size))
    }
  }

  private static func write(
    _ unit: Unit, _ steps: [Step], _ writer: SafetensorsWriter
  ) throws -> (bytes: Int, survival: [Survival]) {
    let step = steps[unit.tensor]
    guard !unit.rows.isEmpty else { return (try copyWhole(step, unit.tensor, writer), []) }
    let rowBytes =
      (step.dtype.byteCount(shape: step.base.shape) ?? 0) / max(step.base.shape[0], 1)
    let offset = unit.rows.lowerBound * rowBytes
    if step.deltas.isEmpty, step.dtype == step.base.dtype {
      let rows = step.base.rows(unit.rows)
      try writer.write(rows.bytes, tensor: unit.tensor, at: offset)
      return (rows.byteCount, [])
    }
    let baked = bakeRows(step.base, rows: unit.rows, deltas: step.deltas, to: step.dtype)
    try writer.write(unsafe baked.bytes.span.bytes, tensor: unit.tensor, at: offset)
    return (baked.bytes.count, baked.survival)
  }

  /// A tensor of one axis or none.
  private static func copyWhole(
    _ step: Step, _ tensor: Int, _ writer: SafetensorsWriter
  ) throws -> Int {
    guard step.dtype != step.base.dtype else {
      try writer.write(step.base.bytes, tensor: tensor)
      return step.base.byteCount
    }
    let values = step.base.floats()
    var bytes = [UInt8](repeating: 0, count: values.count * step.dtype.bitCount / 8)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    narrow(values.span, to: step.dtype, into: &raw)
    try writer.write(unsafe bytes.span.bytes, tensor: tensor)
    return bytes.count
  }
}
