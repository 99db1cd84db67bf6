internal import Elements

/// The two numbers of a training item: how much noise is mixed in, and what the model is told.
public struct TrainingNoise: Sendable, Equatable {
  /// The noise level of the mix (1 − sigma) · latent + sigma · noise.
  public let sigma: Float
  /// The time that the model is told, as a sigma in [0, 1].
  public let modelSigma: Float

  /// The model is told the noise level that is mixed in.
  public init(sigma: Float) {
    self.sigma = sigma
    modelSigma = sigma
  }

  /// The arithmetic of the published training code for a sigma of the schedule.
  ///
  /// The timestep is rounded to bfloat16; the model is told a thousandth of it, in bfloat16; the
  /// noise level is the entry of the scheduler's 1000-step training table whose timestep is nearest
  /// (the larger of two equally near), in bfloat16. Only a fixed shift bends that table.
  ///
  /// **Source:** CSU-JPG/Glance, `train_Glance_flux.py` and `train_Glance_qwen.py`, `get_sigmas` and
  /// the training loop; huggingface/diffusers, `scheduling_flow_match_euler_discrete.py`,
  /// `__init__` (the table).
  public init(publishedFor sigma: Float, configuration: SchedulerConfiguration) {
    let scale = SchedulerConfiguration.timestepScale
    let timestep = publishedTimestep(sigma: sigma)
    modelSigma = Float(BFloat16(timestep / scale))
    var nearest: Float = 1
    var distance = Float.infinity
    for step in stride(from: 1000, through: 1, by: -1) {
      let even = Float(step) / scale
      let candidate =
        if case .fixed(let shift) = configuration.shift {
          Float(shift) * even / (1 + (Float(shift) - 1) * even)
        } else { even }
      if abs(candidate * scale - timestep) < distance {
        distance = abs(candidate * scale - timestep)
        nearest = candidate
      }
    }
    self.sigma = Float(BFloat16(nearest))
  }
}

/// 1000 · sigma in bfloat16, as the published code stores its timesteps.
func publishedTimestep(sigma: Float) -> Float {
  Float(BFloat16(SchedulerConfiguration.timestepScale * sigma))
}
