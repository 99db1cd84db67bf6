/// In which ways every picture of a batch is drawn.
public struct DrawingVariation: Sendable, Equatable {
  /// One of the ways.
  struct Way: Equatable {
    /// Multiplies the strengths of adapters.
    let strength: Double?
    /// As `--schedule` takes it.
    let schedule: String?
  }

  /// Factors of all adapters' strengths; none: as they are.
  public var strengths: [Double]
  /// Schedules, as `--schedule` takes them; none: the request's.
  public var schedules: [String]

  /// Every strength with every schedule.
  public init(strengths: [Double] = [], schedules: [String] = []) {
    self.strengths = strengths
    self.schedules = schedules
  }

  /// All ways, strength by strength; one where nothing varies.
  var ways: [Way] {
    let strengths: [Double?] = strengths.isEmpty ? [nil] : strengths
    let schedules: [String?] = schedules.isEmpty ? [nil] : schedules
    return strengths.flatMap { strength in
      schedules.map { Way(strength: strength, schedule: $0) }
    }
  }
}

extension DrawingRequest {
  /// Is drawn in a way.
  mutating func take(_ way: DrawingVariation.Way) {
    strength = way.strength ?? strength
    schedule = way.schedule ?? schedule
  }
}
