public import JSON

/// Loss at a timestep with noise that is always the same, so that numbers can be compared.
public struct FixedNoiseLoss: Sendable, Equatable {
  /// Noise level of the timestep.
  public let sigma: Float
  /// Loss of the base alone.
  public let base: Double
  /// Loss with the adapter.
  public let adapted: Double

  init(_ loss: (sigma: Float, base: Double, adapted: Double)) {
    (sigma, base, adapted) = loss
  }

  init?(_ json: JSONValue) {
    guard let timestep = json["timestep"]?.double, let base = json["base"]?.double,
      let adapted = json["adapted"]?.double
    else { return nil }
    self.init((Float(timestep / 1000), base, adapted))
  }

  /// For logs and programs.
  public var json: JSONValue {
    [
      "timestep": .number(Double(sigma) * 1000), "base": .number(base),
      "adapted": .number(adapted),
    ]
  }
}
