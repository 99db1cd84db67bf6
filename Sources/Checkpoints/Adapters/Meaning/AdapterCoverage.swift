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
  /// How this adapter's modules of the transformer meet those of a base.
  public func coverage(of base: Architecture) -> AdapterCoverage {
    let all = base.modules
    let index = TensorIndex(all.lazy.map(\.path))
    let part = transformerPart
    return part.coverage(
      adaptableCount: base.linearModules.count,
      targetPreset: base.targetPreset(selecting: part.paths)
    ) { path, parameter in
      index[path].flatMap { all[$0].shape(of: parameter.rawValue) }
    } fits: { change, shape in
      if shape.count == change.shape.count,
        zip(shape, change.shape).allSatisfy({ $0 ?? $1 == $1 })
      {
        return true
      }
      // A bake adds columns of zeros: to the base of a control LoRA, or to a LoRA of a control model's base.
      guard change.parameter == .weight, change.shape.count == 2, let own = shape.first,
        own ?? change.shape[0] == change.shape[0]
      else { return false }
      return base.widened(change.path, to: change.shape[1]) != nil
        || base.isWidened(change.path, from: change.shape[1])
    }
  }
}

extension AdapterPart {
  fileprivate typealias ChangedShape = (
    path: String, parameter: ParameterChange.Parameter, shape: [Int]
  )

  /// Every parameter that is changed, with the shape of its change.
  private var changedShapes: [ChangedShape] {
    modules.map { ($0.path, .weight, [$0.outFeatures, $0.inFeatures]) }
      + changes.map { ($0.path, $0.parameter, $0.shape) }
  }

  /// How a text encoder's part meets the text encoder, whose tensors these are.
  package func coverage(ofEncoder entries: [LayoutEntry]) -> AdapterCoverage {
    let shapes = entries.shapesOfParameters
    return coverage(
      adaptableCount: entries.count(where: \.isLinearWeight), targetPreset: nil
    ) { path, parameter in
      shapes["\(path).\(parameter.rawValue)"]
    } fits: { change, shape in
      shape == change.shape.map(Optional.some)
    }
  }

  /// How this meets what there is.
  ///
  /// - Parameters:
  ///   - adaptableCount: modules that there are to adapt.
  ///   - targetPreset: the named set of targets that this changes.
  ///   - shape: the shape of a parameter; nil where there is none.
  ///   - fits: whether a change goes with a parameter of some shape.
  /// - Returns: what fits and what doesn't.
  fileprivate func coverage(
    adaptableCount: Int, targetPreset: String?,
    _ shape: (String, ParameterChange.Parameter) -> [Int?]?,
    fits: (ChangedShape, [Int?]) -> Bool
  ) -> AdapterCoverage {
    var misfits = Set<String>()
    var (unknown, wrongShape) = ([String](), [AdapterCoverage.Mismatch]())
    for change in changedShapes {
      let shape = shape(change.path, change.parameter)
      if let shape, fits(change, shape) { continue }
      guard misfits.insert(change.path).inserted else { continue }
      if let shape {
        wrongShape.append(.init(path: change.path, expected: shape, found: change.shape))
      } else {
        unknown.append(change.path)
      }
    }
    let count = paths.count
    return AdapterCoverage(
      matchedCount: count - misfits.count, moduleCount: count, unknown: unknown,
      wrongShape: wrongShape, adaptableCount: adaptableCount, targetPreset: targetPreset)
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
