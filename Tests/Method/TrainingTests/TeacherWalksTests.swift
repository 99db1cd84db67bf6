import Compute
import DiffusionTransformers
import JSON
import ModelTestSupport
import Schedules
import Synchronization
import TestSupport
import Testing
import Training

@Suite("The teacher's walks")
struct TeacherWalksTests {
  /// Latents in memory, by what they were kept with.
  private final class Memory: Sendable {
    private let latents = Mutex<[String: Tensor]>([:])

    var count: Int { latents.withLock(\.count) }
    var kept: KeptWalks {
      KeptWalks(
        find: { inputs in self.latents.withLock { $0[JSONValue.object(inputs).text()] } },
        store: { inputs, latent in
          self.latents.withLock { $0[JSONValue.object(inputs).text()] = latent }
        })
    }

    /// Forgets the latents at some noise levels, as places in the walk.
    func forget(_ places: Set<Int>) {
      latents.withLock { latents in
        latents = latents.filter { text, _ in
          let sigmas = try? JSONValue(parsing: text)["sigmas"]?.array
          return !places.contains((sigmas?.count ?? 0) - 1)
        }
      }
    }
  }

  private struct Stop: Error {}

  private let teacher: [Float] = [1, 0.9, 0.7, 0.4, 0.2]

  private func walks(
    _ recording: Recording, _ schedule: String, _ kept: KeptWalks?, count: Int = 2,
    seed: UInt64 = 0, cfg: Double = 4, teacher: [Float]? = nil
  ) throws -> TeacherWalks {
    var settings = TrainingSettings()
    settings.objective = .path(trajectories: count)
    settings.seed = seed
    settings.guidance = 3.5
    settings.guidanceKeepsNorm = recording == .qwen
    if recording == .qwen { settings.cfg = cfg }
    let shape = try recording.tensor("train.safetensors", "latent", row: 0).shape
    return TeacherWalks(
      model: try recording.transformer(),
      material: TrainingMaterial(
        samples: [
          TrainingSample(
            name: "one", latentShape: shape, conditioning: try recording.conditioning(row: 0))
        ], negative: try recording.negative()),
      schedule: try ScheduleRequest(.init(parsing: schedule)).schedule(
        configuration: SchedulerConfiguration(shift: .fixed(1)), tokens: 4),
      teacher: teacher ?? self.teacher, settings: settings, kept: kept)
  }

  /// Takes what is left, and answers all latents and the number of steps.
  private func take(_ walks: TeacherWalks) throws -> (latents: [[Float]], steps: Int) {
    var steps = 0
    let bank = try walks.taken { _, _ in steps += 1 }
    return (bank.trajectories.flatMap { $0.latents.map(\.floats) }, steps)
  }

  @Test("have the same bits whether taken or kept", arguments: Recording.allCases)
  func keeping(recording: Recording) throws {
    let memory = Memory()
    let alone = try take(walks(recording, "1,0.7|0.2", nil))
    let cold = try walks(recording, "1,0.7|0.2", memory.kept)
    #expect(cold.count == 2 && cold.keptCount == 0)
    let first = try take(cold)
    let warm = try walks(recording, "1,0.7|0.2", memory.kept)
    #expect(warm.count == 2 && warm.keptCount == 2)
    let second = try take(warm)
    // At three levels of the schedule and at the end, of two walks that differ.
    #expect(alone.latents.count == 8 && alone.latents[0] != alone.latents[4])
    #expect(first.latents == alone.latents && second.latents == alone.latents)
    #expect(alone.steps == 5 && first.steps == 5 && second.steps == 0)
    #expect(memory.count == 10)
    // More walks of the same noise take their own steps only.
    let more = try walks(recording, "1,0.7|0.2", memory.kept, count: 3)
    #expect(more.count == 3 && more.keptCount == 2)
    #expect(try Array(take(more).latents[..<8]) == alone.latents)
  }

  @Test("are found by every schedule on the same levels, and by none on others")
  func schedules() throws {
    let memory = Memory()
    _ = try take(walks(.qwen, "1,0.7|0.2", memory.kept))
    let other = try take(walks(.qwen, "1|0.4", memory.kept))
    #expect(try other.steps == 0 && other.latents == take(walks(.qwen, "1|0.4", nil)).latents)
    // 0.5 is not on the grid: the levels before it are.
    let between = try take(walks(.qwen, "1|0.5", memory.kept))
    #expect(try between.steps == 4 && between.latents == take(walks(.qwen, "1|0.5", nil)).latents)
    for changed in [
      try walks(.qwen, "1,0.7|0.2", memory.kept, seed: 1),
      try walks(.qwen, "1,0.7|0.2", memory.kept, cfg: 3),
      try walks(.qwen, "1,0.7|0.2", memory.kept, cfg: 1),
      try walks(.qwen, "1,0.7|0.2", memory.kept, teacher: [1, 0.8]),
    ] { #expect(changed.keptCount == 0) }
  }

  @Test("go on where they were stopped, and take again what is lost", arguments: Recording.allCases)
  func goingOn(recording: Recording) throws {
    let memory = Memory()
    let whole = try take(walks(recording, "1,0.7|0.2", nil))
    #expect(throws: Stop.self) {
      _ = try walks(recording, "1,0.7|0.2", memory.kept).taken { step, count in
        #expect(count == 5)
        if step == 3 { throw Stop() }
      }
    }
    let rest = try walks(recording, "1,0.7|0.2", memory.kept)
    #expect(rest.keptCount == 0)
    let taken = try take(rest)
    #expect(taken.steps == 2 && taken.latents == whole.latents)
    // The level 0.7, which the schedule needs, and the one before it.
    memory.forget([1, 2])
    let again = try take(walks(recording, "1,0.7|0.2", memory.kept))
    #expect(again.steps == 2 && again.latents == whole.latents)
    // Levels between that no schedule needs are not missed.
    memory.forget([1, 3])
    #expect(try walks(recording, "1,0.7|0.2", memory.kept).keptCount == 2)
  }
}
