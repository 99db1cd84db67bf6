internal import Compute
internal import Concurrency
internal import DiffusionTransformers
internal import Drawing
internal import JSON
internal import Schedules
internal import Synchronization

/// Draws what is missing of a run of an arm.
struct ArmDrawing {
  /// What the arm is called.
  let name: String
  let plan: DrawingPlan
  let store: ArmStore
  /// Forward passes of the evaluation before this run.
  let passesBefore: Int
  let handle: @Sendable (EvaluationEvent) -> Void

  /// How long drawn latents may be unwritten.
  private static let patience = Duration.seconds(20)

  /// All pictures and the seconds of each walk, in the order of the plan.
  ///
  /// - Parameter texts: the states of prompts that other arms encoded.
  /// - Returns: pictures and seconds.
  /// - Throws: what is wrong in the inputs, or that something can't be written.
  func pictures(
    _ texts: inout EncodedTexts
  ) throws -> (pictures: [MeasuredPicture], seconds: [Double]) {
    let total = plan.pictureCount
    var (latents, seconds) = try store.earlier()
    handle(.arm(name, alreadyDrawn: latents.count))
    handle(.passes(passesBefore + plan.passesPerPicture * latents.count))
    let kept = latents
    let found = Parallel.map(kept.count, work: .max) { index in
      store.picture(index, settings: settings(index))
        .map { MeasuredPicture(latent: kept[index], picture: $0) }
    }
    var pictures = found.compactMap(\.self)
    // Encoders are opened only where something is missing.
    guard pictures.count < total else { return (pictures, seconds) }
    let session = try plan.session(&texts) { handle(.note("\(name): \($0)")) }
    pictures = try Parallel.map(kept.count, work: .max) { index in
      try found[index] ?? decoded(kept[index], index, session)
    }
    let isLarge = try plan.pass().work.keepsThreadsBusy(passes: 1)
    var written = ContinuousClock.now
    while latents.count < total {
      let start = latents.count
      let count = isLarge ? 1 : min(total - start, 4 * Parallel.threadCount)
      for drawn in try draw(start, count, session, sideBySide: !isLarge) {
        latents.append(drawn.latent)
        seconds.append(drawn.duration / .seconds(1))
        pictures.append(MeasuredPicture(latent: drawn.latent, picture: drawn.picture))
      }
      if latents.count == total || ContinuousClock.now - written > Self.patience {
        try store.write(latents, seconds: seconds, settings: .object(plan.settings))
        written = .now
      }
    }
    return (pictures, seconds)
  }

  /// Draws some pictures and writes them.
  private func draw(
    _ start: Int, _ count: Int, _ session: DrawingSession, sideBySide: Bool
  ) throws -> [DrawnPicture] {
    let steps = plan.walk.steps.count
    let passesPerStep = plan.passesPerPicture / steps
    let done = Atomic<Int>(passesBefore + start * plan.passesPerPicture)
    func picture(_ index: Int) throws -> DrawnPicture {
      let drawn = try session.picture(index) { _ in
        let passes = done.add(passesPerStep, ordering: .relaxed).newValue
        handle(.passes(passes))
      }
      try store.write(drawn.picture, index, settings: settings(index))
      return drawn
    }
    guard sideBySide else { return try (start..<start + count).map(picture) }
    return try Parallel.map(count, work: .max) { index in
      try Parallel.withThreads(1) { try picture(start + index) }.result
    }
  }

  /// A picture whose latent is there, decoded anew and written.
  private func decoded(
    _ latent: Tensor, _ index: Int, _ session: DrawingSession
  ) throws -> MeasuredPicture {
    let picture = try Parallel.withThreads(1) { try session.picture(of: latent) }.result
    try store.write(picture, index, settings: settings(index))
    return MeasuredPicture(latent: latent, picture: picture)
  }

  /// What a picture is stored with, as `glance-sample` does.
  private func settings(_ index: Int) -> JSONValue {
    plan.settings(ofPicture: index)
  }
}
