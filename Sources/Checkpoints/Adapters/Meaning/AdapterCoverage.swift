public import Checkpoints
internal import Tensors

/// How an adapter's modules meet the modules of a base.
public struct AdapterCoverage: Sendable, CustomStringConvertible {
  /// How many modules of the adapter fit.
  public let matchedCount: Int
  /// How many modules the adapter has.
  public let moduleCount: Int
  /// Paths that the base doesn't have.
  public let unknown: [String]
  /// Modules whose weight has another shape in the base.
  public let wrongShape: [Mismatch]
  /// How many modules of the base could be adapted.
  public let adaptableCount: Int
  /// The named set of targets that the adapter's modules are, if they are one.
  public let targetPreset: String?

  /// A module of another shape.
  public struct Mismatch: Sendable, Equatable {
    /// Canonical path.
    public let path: String
    /// `[out, in]` in the base.
    public let expected: [Int?]
    /// `[out, in]` of up · down.
    public let found: [Int]
  }

  /// Whether every module of the adapter fits.
  public var isComplete: Bool { matchedCount == moduleCount }

  /// One line.
  public var description: String {
    var text = "\(matchedCount) of \(moduleCount) modules fit"
    if !unknown.isEmpty {
      text += "; the base has no " + Self.list(unknown.map { "'\($0)'" })
    }
    if !wrongShape.isEmpty {
      text +=
        "; other shapes: "
        + Self.list(
          wrongShape.map {
            "'\($0.path)' \($0.found), expected "
              + "[" + $0.expected.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
          })
    }
    return text
  }

  private static func list(_ items: [String]) -> String {
    items.prefix(10).joined(separator: ", ")
      + (items.count > 10 ? " and \(items.count - 10) more" : "")
  }
}

extension Adapter {
  /// How this adapter's modules meet those of a base.
  public func coverage(of base: Architecture) -> AdapterCoverage {
    let candidates = base.linearModules
    let index = TensorIndex(candidates.lazy.map(\.path))
    var unknown: [String] = []
    var wrongShape: [AdapterCoverage.Mismatch] = []
    for module in modules {
      guard let position = index[module.path] else {
        unknown.append(module.path)
        continue
      }
      let expected = [candidates[position].outFeatures, candidates[position].inFeatures]
      let found = [module.outFeatures, module.inFeatures]
      if zip(expected, found).contains(where: { $0 != nil && $0 != $1 }) {
        wrongShape.append(.init(path: module.path, expected: expected, found: found))
      }
    }
    return AdapterCoverage(
      matchedCount: modules.count - unknown.count - wrongShape.count, moduleCount: modules.count,
      unknown: unknown, wrongShape: wrongShape, adaptableCount: candidates.count,
      targetPreset: base.targetPreset(selecting: modules.map(\.path)))
  }
}
