/// The teacher's grid: the sigmas of a run of N steps on an image of a given size.
public struct NoiseSchedule: Sendable, Equatable {
  /// One sigma a step, strictly falling from 1; the run ends at 0, which is not listed.
  ///
  /// Computed in double precision and rounded once: these binary32 numbers are what the model is
  /// told, what the integrator uses and what files hold.
  public let sigmas: [Float]
  /// Packed image tokens (`H/16 · W/16` pixels) that the grid is for.
  public let tokens: Int
  /// The shift that the image's size gave; nil for a fixed shift.
  public let mu: Double?

  /// The grid of a scheduler for a number of steps and an image size.
  ///
  /// - Parameters:
  ///   - steps: 1 to 1000.
  ///   - tokens: packed image tokens, at least 1.
  ///   - configuration: the model's scheduler.
  ///   - source: what to name in errors, such as `--teacher-steps`.
  /// - Throws: for another number of steps, and where the shift leaves sigmas that coincide.
  ///
  /// **Source:** huggingface/diffusers, `scheduling_flow_match_euler_discrete.py`, `set_timesteps`,
  /// `stretch_shift_to_terminal`; `pipeline_flux.py`, `__call__` (the even grid, `calculate_shift`).
  public init(
    steps: Int, tokens: Int, configuration: SchedulerConfiguration,
    source: String = "schedule"
  ) throws(ScheduleError) {
    precondition(tokens > 0, "an image has at least one token")
    guard 1...1000 ~= steps else {
      throw .invalid(source: source, expected: "1 to 1000 steps", found: "\(steps)")
    }
    // linspace(1, 1/n, n)
    let last = 1 / Double(steps)
    let spacing = steps > 1 ? (last - 1) / Double(steps - 1) : 0
    var sigmas = (0..<steps).map { step in
      let even = step == steps - 1 && steps > 1 ? last : 1 + spacing * Double(step)
      return configuration.shift.shifted(even, tokens: tokens)
    }
    if let terminal = configuration.shiftTerminal, let last = sigmas.last, last < 1 {
      let stretch = (1 - last) / (1 - terminal)
      sigmas = sigmas.map { 1 - (1 - $0) / stretch }
    }
    self.sigmas = sigmas.map(Float.init)
    self.tokens = tokens
    mu = configuration.shift.mu(tokens: tokens)
    try requireFalling(self.sigmas, source: "\(source): \(steps) steps at \(tokens) tokens")
  }

  /// 1000 · sigma for each sigma: what transformers are told.
  public var timesteps: [Float] {
    sigmas.map { SchedulerConfiguration.timestepScale * $0 }
  }

  /// The sigma that a step leads to: the next one, or 0 after the last.
  public func sigma(afterStep step: Int) -> Float {
    step + 1 < sigmas.count ? sigmas[step + 1] : 0
  }
}

/// Checks that sigmas lie in (0, 1] and fall strictly.
func requireFalling(_ sigmas: [Float], source: String) throws(ScheduleError) {
  var previous = Float.infinity
  for sigma in sigmas {
    guard 0 < sigma, sigma <= 1 else {
      throw .invalid(source: source, expected: "sigmas above 0 and up to 1", found: "\(sigma)")
    }
    guard sigma < previous else {
      throw .outOfOrder(
        source: source, previous: "\(previous)", next: "\(sigma)",
        expected: "sigmas that fall")
    }
    previous = sigma
  }
}
