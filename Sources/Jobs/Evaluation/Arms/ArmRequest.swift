public import Drawing

/// A way of drawing that a person asks to be measured.
public struct ArmRequest: Sendable {
  /// What people call it.
  public var name: String
  /// Adapters and bundles of each run; several where one training was repeated with other seeds.
  public var adapters: [[DrawingRequest.AdapterRequest]] = [[]]
  /// Checkpoints instead of the model's transformer.
  public var transformers: [DrawingRequest.TransformerRequest] = []
  /// As `--schedule` takes it; nil: what the adapters declare.
  public var schedule: String?
  /// Classifier-free guidance scale; nil: what the adapters declare, else the model's.
  public var cfg: Double?
  /// Guidance value; nil: what the adapters declare, else the model's.
  public var guidance: Double?
  /// A sampler whose mistakes are reproduced.
  public var compatibility: DrawingRequest.Compatibility?
  /// The alpha to take where an adapter says none.
  public var assumedAlpha: Double?

  /// The model alone, as it draws when nobody says otherwise.
  public init(name: String) { self.name = name }
}
