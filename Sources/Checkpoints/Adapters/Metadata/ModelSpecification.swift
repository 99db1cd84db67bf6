public import Checkpoints
public import Tensors

/// The `modelspec.*` metadata that catalogues and user interfaces show.
///
/// Source: Stability-AI/ModelSpec, specification 1.0.1.
public struct ModelSpecification: Sendable, Equatable {
  /// Name for people.
  public var title: String
  /// Width and height in pixels that the adapter was made for.
  public var resolution: (width: Int, height: Int)
  /// First and last timestep (0 to 1000) that it serves; the public home of slow and fast.
  public var timestepRange: ClosedRange<Int>?
  /// What it does, for people.
  public var description: String?
  /// Who made it.
  public var author: String?
  /// Under which licence it is.
  public var license: String?

  /// A specification with what every file must have.
  public init(title: String, resolution: (width: Int, height: Int)) {
    self.title = title
    self.resolution = resolution
  }

  /// Keys and values, in the order of the specification.
  public func pairs(family: ModelFamily) -> Metadata {
    let fields: [(String, String?)] = [
      ("sai_model_spec", "1.0.1"),
      ("architecture", family.modelSpecName + "/lora"),
      ("implementation", family.implementation),
      ("title", title),
      ("description", description),
      ("author", author),
      ("license", license),
      ("resolution", "\(resolution.width)x\(resolution.height)"),
      ("timestep_range", timestepRange.map { "\($0.lowerBound),\($0.upperBound)" }),
    ]
    return Metadata(fields, prefix: "modelspec.")
  }

  /// Whether all fields are equal.
  public static func == (left: Self, right: Self) -> Bool {
    left.title == right.title && left.resolution == right.resolution
      && left.timestepRange == right.timestepRange && left.description == right.description
      && left.author == right.author && left.license == right.license
  }
}
