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
      plan: try plan(schedule: "teacher:\(teacherSteps)", cfg: nil))
    for request in requests {
      guard !arms.contains(where: { $0.name == request.name }) else {
        throw EvaluationError.nameTwice(request.name)
      }
      let plan = try plan(request)
      notes += plan.notes.map { "\(request.name): \($0)" }
      adapterNotes += plan.adapterNotes
      let arm = try add(name: request.name, role: .asked, plan: plan)
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
    let steps = arm.plan.passesPerPicture / passesPerStep
    var baselines: [Int] = []
    if steps > 0 { baselines.append(try addUniform(steps: steps, cfg: own)) }
    if own != 1, arm.plan.cfg == 1 {
      baselines.append(try addUniform(steps: arm.plan.passesPerPicture, cfg: 1))
    }
    let sigmas = arm.plan.schedule.sigmas.map { "\($0)" }.joined(separator: ",")
    baselines.append(
      try add(
        name: "plain, \(gridName(of: arm)) steps" + guidanceName(arm.plan.cfg, own),
        role: .plainGrid,
        plan: try plan(schedule: sigmas, cfg: arm.plan.cfg)))
    arms[index].baselines = baselines.filter { $0 != index }.reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }

  private mutating func addUniform(steps: Int, cfg: Double) throws -> Int {
    let plan = try plan(schedule: "teacher:\(steps)", cfg: cfg)
    return try add(
      name: "plain, uniform \(steps)" + guidanceName(cfg, arms[0].plan.cfg), role: .plainUniform,
      plan: plan)
  }

  /// Adds an arm unless one draws the same; answers its place.
  private mutating func add(name: String, role: Arm.Role, plan: DrawingPlan) throws -> Int {
    let identity = try Arm.identity(of: plan)
    if let same = arms.firstIndex(where: { $0.identity == identity }) { return same }
    let taken = Set(arms.map(\.fileName))
    let names = arms.map(\.name)
    var unique = name
    while names.contains(unique) { unique += "'" }
    let fileName = Arm.fileName(for: name)
    let files = [fileName] + (2...arms.count + 2).map { "\(fileName)-\($0)" }
    arms.append(
      try Arm(
        name: unique, role: role, plan: plan,
        fileName: files.first { !taken.contains($0) } ?? fileName))
    return arms.count - 1
  }

  private func plan(schedule: String, cfg: Double?) throws -> DrawingPlan {
    var request = base
    request.schedule = schedule
    request.cfg = cfg
    return try DrawingPlan(request)
  }

  private func plan(_ arm: ArmRequest) throws -> DrawingPlan {
    var request = base
    request.adapters = arm.adapters
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
