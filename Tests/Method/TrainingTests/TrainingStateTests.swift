import Compute
import JSON
import SystemPackage
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#endif

@Suite("The state of a training run")
struct TrainingStateTests {
  private let folder = FilePath("/tmp/glance-state-\(getpid())-\(UInt64.random(in: 0 ... .max))")

  private func state(rank: Int64 = 2) -> TrainingState {
    let adapter = TrainableAdapter(
      modules: [
        TrainableModule(
          name: "a", down: Tensor(shape: [2, 3], [1, 2, 3, 4, 5, 6]),
          up: Tensor(shape: [4, 2], [1, 2, 3, 4, 5, 6, 7, -0.0]))
      ], scale: 4)
    return TrainingState(
      adapter: adapter, optimiser: AdamW(AdamW.Constants(), for: adapter),
      settings: ["rank": .integer(rank), "seed": 1])
  }

  private func stepped(_ state: TrainingState) -> TrainingState {
    var state = state
    let module = state.adapter.modules[0]
    state.optimiser.step(
      &state.adapter, gradients: ["a": FactorGradients(down: module.down, up: module.up)],
      learningRate: 0.01)
    state.step += 1
    return state
  }

  @Test func comesBackAsItWas() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    let saved = stepped(stepped(state()))
    try states.save(saved)
    let restored = try states.newest(start: state()) { Issue.record("\($0)") }
    #expect(restored == saved)
    #expect(restored.optimiser.moments[0].up.stepCount == 2)
    // What the next step makes of both is the same too.
    #expect(stepped(restored) == stepped(saved))
  }

  @Test("remembers what its products ran on, and goes on elsewhere")
  func arithmetic() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    let own = state()
    #expect(own.arithmetic == [Arithmetic.name])
    let saved = TrainingState(
      adapter: own.adapter, optimiser: own.optimiser, settings: own.settings,
      arithmetic: ["OpenBLAS 0.3.21 Prescott, x86-64-v3", "OpenBLAS 0.3.29 Zen, x86-64-v4"])
    try states.save(saved)
    let restored = try states.newest(start: own) { Issue.record("\($0)") }
    #expect(
      restored.arithmetic
        == ["OpenBLAS 0.3.21 Prescott, x86-64-v3", "OpenBLAS 0.3.29 Zen, x86-64-v4"])
  }

  @Test func keepsTwoAndSkipsADamagedOne() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    var state = state()
    var files: [FilePath] = []
    for _ in 0..<3 {
      state = stepped(state)
      files.append(try states.save(state))
    }
    #expect(throws: Errno.noSuchFileOrDirectory) {
      try FileDescriptor.open(files[0], .readOnly)
    }
    // One byte of the newest state's data is changed: the last of the file.
    let descriptor = try FileDescriptor.open(files[2], .readWrite)
    let size = try descriptor.seek(offset: 0, from: .end)
    _ = try descriptor.writeAll(toAbsoluteOffset: size - 1, [0x55])
    try descriptor.close()
    var skipped: [TrainingError] = []
    let restored = try states.newest(start: self.state()) { skipped.append($0) }
    #expect(restored.step == 2)
    #expect(skipped.count == 1)
  }

  @Test("keeps what it saves after two damaged states of later steps")
  func savesAfterDamage() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    for step in [8, 9] {
      var late = state()
      late.step = step
      let descriptor = try FileDescriptor.open(try states.save(late), .readWrite)
      try descriptor.resize(to: 100)
      try descriptor.close()
    }
    try states.save(stepped(state()))
    let restored = try states.newest(start: state()) { Issue.record("\($0)") }
    #expect(restored == stepped(state()))
  }

  @Test func refusesAnotherRunsState() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    let file = try states.save(state())
    #expect(
      throws: TrainingError.settingsDiffer(file: file, key: "rank", saved: "2", asked: "3")
    ) { try states.newest(start: state(rank: 3)) { Issue.record("\($0)") } }
  }

  @Test func momentsOfMoreStepsThanWereTakenAreRefused() throws {
    let states = StateFolder(folder)
    defer { states.clear() }
    var state = stepped(state())
    state.step = 0
    let file = try states.save(state)
    #expect(
      throws: TrainingError.damagedState(
        file: file, detail: "expected moments of at most 0 steps")
    ) { try TrainingState(reading: file, start: self.state()) }
  }

  @Test func nothingToResumeIsAnError() {
    #expect(throws: TrainingError.noState(folder: folder)) {
      try StateFolder(folder).newest(start: state()) { Issue.record("\($0)") }
    }
  }
}
