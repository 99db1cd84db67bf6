import Drawing
import Evaluation
import SystemPackage
import TestSupport
import Testing

@Suite("The arms of an evaluation")
struct EvaluationPlanTests {
  private static func plan(
    _ model: String, _ arms: [ArmRequest], labels: [Int]? = nil, side: Int = 32,
    checker: FilePath? = nil
  ) throws -> EvaluationPlan {
    var request = EvaluationRequest(
      model: Fixtures.model(model), arms: arms,
      prompts: [EvaluatedPrompt("a cat", labels: labels), EvaluatedPrompt("a dog")], width: side,
      height: side)
    request.seeds = 3
    request.checker = checker
    return try EvaluationPlan(request)
  }

  private static func arm(_ name: String, _ schedule: String, cfg: Double? = nil) -> ArmRequest {
    var arm = ArmRequest(name: name)
    arm.schedule = schedule
    arm.cfg = cfg
    return arm
  }

  /// Name, passes, and the names of what it is compared with.
  private static func table(_ plan: EvaluationPlan) -> [String] {
    plan.arms.map { arm in
      "\(arm.name): \(arm.plan.passesPerPicture)"
        + arm.baselines.map { " < \(plan.arms[$0].name)" }.joined()
    }
  }

  @Test("of a model without guidance are the plain model in as many steps, evenly and as the arm's")
  func unguided() throws {
    let plan = try Self.plan("tiny-flux", [Self.arm("mine", "1,0.5|0.25", cfg: 2)])
    #expect(
      Self.table(plan) == [
        "teacher, 50 steps: 50", "mine: 6 < plain, uniform 6",
        "plain, uniform 6: 6",
      ])
  }

  @Test(
    "of a guided model without guidance are compared with guidance at half the steps, and without")
  func withoutGuidance() throws {
    let plan = try Self.plan("tiny-qwen-image", [Self.arm("mine", "glance-1+1", cfg: 1)])
    #expect(
      Self.table(plan) == [
        "teacher, 50 steps: 100", "mine: 2 < plain, uniform 1 < plain, uniform 2, unguided",
        "plain, uniform 1: 2", "plain, uniform 2, unguided: 2",
      ])
  }

  @Test("that draw the same are drawn once")
  func once() throws {
    let plan = try Self.plan(
      "tiny-qwen-image",
      [
        Self.arm("grid", "glance-1+1"), Self.arm("same grid", "glance-1+1"),
        Self.arm("even", "teacher:2"),
      ])
    #expect(
      Self.table(plan) == [
        "teacher, 50 steps: 100", "grid: 4 < even", "even: 4",
      ])
    #expect(plan.notes == ["same grid: draws what 'grid' does; it is drawn once"])
    #expect(plan.arms.flatMap { $0.runs.map(\.fileName) } == ["teacher-50-steps", "grid", "even"])
    #expect(plan.picturesPerRun == 6)
    #expect(plan.passCount == 6 * 108)
  }

  @Test("that renoise draw something else than Euler steps at the same sigmas")
  func renoising() throws {
    let plan = try Self.plan(
      "tiny-flux", [Self.arm("euler", "1,0.5,0.25"), Self.arm("noise", "renoise:1,0.5,0.25")])
    #expect(
      Self.table(plan) == [
        "teacher, 50 steps: 50", "euler: 3 < plain, uniform 3", "noise: 3 < plain, uniform 3",
        "plain, uniform 3: 3",
      ])
    #expect(plan.notes == [])
  }

  @Test("have names of their own")
  func names() throws {
    expectRefusal(
      EvaluationError.self, saying: "two arms are called 'a'; give each a name of its own"
    ) {
      try Self.plan("tiny-flux", [Self.arm("a", "1"), Self.arm("a", "1,0.5")])
    }
    let plan = try Self.plan("tiny-flux", [Self.arm("A b", "1"), Self.arm("a-B", "1,0.5")])
    #expect(plan.arms[1].runs.map(\.fileName) == ["a-b"])
    #expect(plan.arms[2].runs.map(\.fileName) == ["a-b-2"])
  }

  @Test("attributes need a checker, its size of pictures and its labels")
  func attributes() throws {
    let checker = Fixtures.model("world").appending("checker.safetensors")
    let labels = [0, 0, 0, 0, 0, -1, -1, -1]
    let arms = [Self.arm("a", "1")]
    #expect(
      try Self.plan("tiny-flux", arms, labels: labels).notes
        == ["attributes are not told: there is no checker"])
    #expect(
      try Self.plan("tiny-flux", arms, labels: labels, checker: checker).notes
        == ["attributes are not told: the checker looks at pictures of 48x48 or 96x96"])
    #expect(
      try Self.plan("tiny-flux", arms, labels: labels, side: 96, checker: checker).notes == [])
    expectRefusal(
      EvaluationError.self,
      saying: "prompt 'a cat': expected 8 labels, one for each head of the checker, found 2"
    ) { try Self.plan("tiny-flux", arms, labels: [0, 1], side: 96, checker: checker) }
  }
}
