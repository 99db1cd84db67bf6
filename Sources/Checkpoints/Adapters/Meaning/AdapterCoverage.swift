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
    let all = base.modules
    let index = TensorIndex(all.lazy.map(\.path))
    var (paths, misfits) = ([String](), Set<String>())
    var (seen, unknown, wrongShape) = (
      Set<String>(), [String](), [AdapterCoverage.Mismatch]()
    )
    for (path, parameter, found) in changedShapes {
      if seen.insert(path).inserted { paths.append(path) }
      let shape = index[path].flatMap { all[$0].shape(of: parameter.rawValue) }
      if let shape, shape.count == found.count, zip(shape, found).allSatisfy({ $0 ?? $1 == $1 }) {
        continue
      }
      // A bake adds columns of zeros: to the base of a control LoRA, or to a LoRA of a control model's base.
      if parameter == .weight, let columns = found.dropFirst().first, let own = shape?.first,
        own ?? found[0] == found[0],
        base.widened(path, to: columns) != nil || base.isWidened(path, from: columns)
      {
        continue
      }
      guard misfits.insert(path).inserted else { continue }
      if let shape {
        wrongShape.append(.init(path: path, expected: shape, found: found))
      } else {
        unknown.append(path)
      }
    }
    return AdapterCoverage(
      matchedCount: paths.count - misfits.count, moduleCount: paths.count, unknown: unknown,
      wrongShape: wrongShape, adaptableCount: base.linearModules.count,
      targetPreset: base.targetPreset(selecting: paths))
  }

  /// Every parameter of the transformer that is changed, with the shape of its change.
  private var changedShapes: [AdapterPart.ChangedShape] { parts[0].part.changedShapes }
}

extension AdapterPart {
  fileprivate typealias ChangedShape = (
    path: String, parameter: ParameterChange.Parameter, shape: [Int]
  )

  /// Every parameter that is changed, with the shape of its change.
  fileprivate var changedShapes: [ChangedShape] {
    modules.map { ($0.path, .weight, [$0.outFeatures, $0.inFeatures]) }
      + changes.map { ($0.path, $0.parameter, $0.shape) }
  }

  /// How a text encoder's part meets the text encoder, whose tensors these are.
  package func coverage(ofEncoder entries: [LayoutEntry]) -> AdapterCoverage {
    let shapes = entries.shapesOfParameters
    var misfits = Set<String>()
    var (unknown, wrongShape) = ([String](), [AdapterCoverage.Mismatch]())
    for (path, parameter, found) in changedShapes {
      let shape = shapes["\(path).\(parameter.rawValue)"]
      guard shape != found, misfits.insert(path).inserted else { continue }
      if let shape {
        wrongShape.append(.init(path: path, expected: shape, found: found))
      } else {
        unknown.append(path)
      }
    }
    return AdapterCoverage(
      matchedCount: paths.count - misfits.count, moduleCount: paths.count, unknown: unknown,
      wrongShape: wrongShape, adaptableCount: entries.count(where: \.isLinearWeight),
      targetPreset: nil)
  }
}

extension [LayoutEntry] {
  /// Shapes of the parameters that stand alone in their tensors, by canonical names.
  package var shapesOfParameters: [String: [Int?]] {
    Dictionary(
      lazy.filter(\.isOfOneModule).map { ($0.parameters[0], $0.shape) },
      uniquingKeysWith: { first, _ in first })
  }
}
