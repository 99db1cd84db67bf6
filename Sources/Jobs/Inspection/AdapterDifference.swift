public import Adapters
public import SystemPackage

/// How two adapters, or the experts of two bundles, differ in what they do, whatever their dialects
/// and ranks.
public struct AdapterDifference: Sendable {
  /// The adapter that it was compared with.
  public let other: FilePath
  /// The comparisons, with the phase where there is one.
  public let comparisons: [(phase: String?, comparison: AdapterComparison)]
  /// Phases that only one of two bundles has, and which.
  public let onlyInFirst: [String]
  /// Phases that only the other has.
  public let onlyInOther: [String]

  /// Whether both change every module in the same way: factors may differ.
  public var isIdentical: Bool {
    onlyInFirst.isEmpty && onlyInOther.isEmpty
      && comparisons.allSatisfy { $0.comparison.isIdentical }
  }

  /// Whether neither changes anything.
  public var changesNothing: Bool {
    comparisons.allSatisfy { $0.comparison.total.normA == 0 && $0.comparison.total.normB == 0 }
  }

  init(_ inspection: Inspected, with other: Inspected) throws {
    let (first, second) = (try inspection.experts(), try other.experts())
    self.other = other.path
    // A file without a phase, or of one expert, is compared with every expert of the other.
    let pairs = first.flatMap { left in
      second.filter { right in
        left.phase == right.phase || left.phase == nil || right.phase == nil
          || (first.count == 1 && second.count == 1)
      }.map { (left, $0) }
    }
    comparisons = pairs.map { left, right in
      (left.phase ?? right.phase, AdapterComparison(left.adapter, right.adapter))
    }
    let compared = pairs.map { (left: $0.0.phase, right: $0.1.phase) }
    onlyInFirst = first.map(\.phase).filter { phase in
      !compared.contains { $0.left == phase }
    }.map { $0 ?? "" }
    onlyInOther = second.map(\.phase).filter { phase in
      !compared.contains { $0.right == phase }
    }.map { $0 ?? "" }
  }
}

extension Inspected {
  /// The adapters in the file, checked for values that aren't finite.
  fileprivate func experts() throws -> [Expert] {
    switch subject {
    case .adapter(let file, let glance):
      var options = AdapterReadingOptions()
      options.isPartial = true
      options.includesTextEncoders = true
      options.otherMethods = .asLoRAOfAnySize
      if let other = file.leftOut(options).first(where: \.isOfOtherMethod) {
        throw InspectionError.notComparable(
          file: path,
          detail: "\(other.whatIsLeftOut): no low-rank change, and these alone are compared")
      }
      return [Expert(phase: glance.phase, adapter: try file.adapter(options))]
    case .bundle(let bundle, _): return bundle.experts
    default: throw InspectionError.notComparable(file: path, detail: "no adapter")
    }
  }
}
