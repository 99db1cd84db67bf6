internal import Adapters
internal import SystemPackage
internal import Tensors
internal import Text

/// Which adapter it is that adds what can't be stored.
extension BakeRequest {
  /// The adapters that change a module by more than float32 holds; all that change it when none
  /// does so alone.
  func adaptersOverflowing(_ module: String) -> [FilePath] {
    let changing = adapters.filter { merged in
      merged.adapter.module(at: module) != nil
        || merged.adapter.changes.contains {
          module.sameBytes(as: $0.path) || module.sameBytes(as: $0.parameterName)
        }
    }
    let alone = changing.filter {
      $0.adapter.module(at: module)?.overflows(strength: $0.strength(of: module)) ?? false
    }
    var files: [FilePath] = []
    for merged in alone.isEmpty ? changing : alone where !files.contains(merged.file) {
      files.append(merged.file)
    }
    return files
  }
}

extension AdapterModule {
  /// Whether an element of strength · scale · up · down, or its norm, is beyond float32.
  fileprivate func overflows(strength: Double) -> Bool {
    let delta = LowRankDelta(
      module: path, rows: 0..<outFeatures, columns: inFeatures,
      factors: [
        LowRankDelta.Factors(
          down: down.floats(), up: up.floats(), rank: rank, scale: scale * strength)
      ])
    var row = [Double](repeating: 0, count: inFeatures)
    var squares = 0.0
    for index in 0..<outFeatures {
      unsafe row.withUnsafeMutableBufferPointer { row in
        guard let start = row.baseAddress else { return }
        unsafe delta.compute(index * inFeatures..<(index + 1) * inFeatures, into: start)
      }
      squares += row.reduce(0) { $0 + $1 * $1 }
    }
    return !(squares.squareRoot() <= Double(Float.greatestFiniteMagnitude))
  }
}
