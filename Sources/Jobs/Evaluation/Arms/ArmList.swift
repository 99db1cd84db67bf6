internal import Adapters
internal import Drawing
internal import Schedules

/// The arms of an evaluation: the teacher, what was asked for, and the plain model at the passes of each.
struct ArmList {
  private(set) var arms: [Arm] = []
  private(set) var notes: [String] = []
  private(set) var adapterNotes: [(source: String, note: AdapterNote)] = []
  private let base: DrawingRequest

  /// - Parameters:
  ///   - base: model, prompts, seeds and size.
  ///   - requests: what was asked for.
  ///   - teacherSteps: the teacher's.
  /// - Throws: what can't be drawn.
  init(_ base: DrawingRequest, _ requests: [ArmRequest], teacherSteps: Int) throws {
    self.base = base
    _ = try add(
      name: "teacher, \(teacherSteps) steps", role: .teacher,
      plans: [try plan(schedule: "teacher:\(teacherSteps)", cfg: nil)])
    for request in requests {
      guard !arms.contains(where: { $0.name == request.name }) else {
        throw EvaluationError.nameTwice(request.name)
      }
      let plans = try request.adapters.map { try plan(request, $0) }
      for plan in plans {
        notes += plan.notes.map { "\(request.name): \($0)" }
        adapterNotes += plan.adapterNotes
      }
      let arm = try add(name: request.name, role: .asked, plans: plans)
      if arms[arm].name != request.name {
        notes.append("\(request.name): draws what '\(arms[arm].name)' does; it is drawn once")
      }
    }
    for index in arms.indices where arms[index].role == .asked { try addBaselines(of: index) }
  }

  /// Adds the plain model at the passes of an arm: in evenly spread steps with the model's own guidance
  /// and, for an arm without where the model has it, without; and in the arm's steps.
  private mutating func addBaselines(of index: Int) throws {
    let arm = arms[index]
    let own = arms[0].plan.cfg
    let passesPerStep = own == 1 ? 1 : 2
    let count = arm.plan.passesPerPicture / passesPerStep
    var baselines: [Int] = []
    if count > 0 { baselines.append(try addUniform(steps: count, cfg: own)) }
    if own != 1, arm.plan.cfg == 1 {
      baselines.append(try addUniform(steps: arm.plan.passesPerPicture, cfg: 1))
    }
    let steps = try arm.plan.schedule.partitioned(.single).text
    baselines.append(
      try add(
        name: "plain, \(gridName(of: arm)) steps" + guidanceName(arm.plan.cfg, own),
        role: .plainGrid,
        plans: [try plan(schedule: steps, cfg: arm.plan.cfg)]))
    arms[index].baselines = baselines.filter { $0 != index }.reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }

  private mutating func addUniform(steps: Int, cfg: Double) throws -> Int {
    let plan = try plan(schedule: "teacher:\(steps)", cfg: cfg)
    return try add(
      name: "plain, uniform \(steps)" + guidanceName(cfg, arms[0].plan.cfg), role: .plainUniform,
      plans: [plan])
  }

  /// Adds an arm unless one draws the same; answers its place.
  private mutating func add(name: String, role: Arm.Role, plans: [DrawingPlan]) throws -> Int {
    let identities = try plans.map(Arm.identity(of:))
    if let same = arms.firstIndex(where: { $0.identity == identities }) { return same }
    let names = arms.map(\.name)
    var unique = name
    while names.contains(unique) { unique += "'" }
    let files = fileNames(for: name, runs: plans.count)
    arms.append(
      Arm(
        name: unique, role: role,
        runs: plans.indices.map {
          Arm.Run(plan: plans[$0], fileName: files[$0], identity: identities[$0])
        }))
    return arms.count - 1
  }

  /// Names of files for the runs of an arm that no other arm has.
  private func fileNames(for name: String, runs: Int) -> [String] {
    let taken = Set(arms.flatMap { $0.runs.map(\.fileName) })
    var (stem, number) = (Arm.fileName(for: name), 1)
    while true {
      let files = runs == 1 ? [stem] : (1...runs).map { "\(stem)-r\($0)" }
      if taken.isDisjoint(with: files) { return files }
      number += 1
      stem = Arm.fileName(for: name) + "-\(number)"
    }
  }

  private func plan(schedule: String, cfg: Double?) throws -> DrawingPlan {
    var request = base
    request.schedule = schedule
    request.cfg = cfg
    return try DrawingPlan(request)
  }

  private func plan(
    _ arm: ArmRequest, _ adapters: [DrawingRequest.AdapterRequest]
  ) throws -> DrawingPlan {
    var request = base
    request.adapters = adapters
    request.transformers = arm.transformers
    request.schedule = arm.schedule
    request.cfg = arm.cfg
    request.guidance = arm.guidance
    request.compatibility = arm.compatibility
    request.assumedAlpha = arm.assumedAlpha
    return try DrawingPlan(request)
  }

  /// The steps of each phase: `1+1`.
  private func gridName(of arm: Arm) -> String {
    let schedule = arm.plan.schedule
    return schedule.phases.map { "\(schedule.indices(of: $0).count)" }.joined(separator: "+")
  }

  private func guidanceName(_ cfg: Double, _ own: Double) -> String {
    cfg == own ? "" : cfg == 1 ? ", unguided" : ", cfg \(cfg)"
  }
}
