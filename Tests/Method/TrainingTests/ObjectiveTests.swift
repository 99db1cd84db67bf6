import Schedules
import Testing
import Training

@Suite("Objectives and weightings")
struct ObjectiveTests {
  @Test("are read as they are written")
  func texts() {
    #expect(Objective(parsing: "flow-matching") == .flowMatching)
    #expect(Objective(parsing: "interval") == .interval(substeps: 5))
    #expect(Objective(parsing: "interval:1") == .interval(substeps: 1))
    #expect(Objective(parsing: "path") == .path(trajectories: 4))
    #expect(Objective(parsing: "path:32") == .path(trajectories: 32))
    for text in [
      "", "path:0", "interval:1001", "interval:x", "interval:2:3", "flow-matching:1", "data",
    ] {
      #expect(Objective(parsing: text) == nil, "\(text)")
    }
    #expect("\(Objective.path(trajectories: 7))" == "path:7")
    #expect("\(Objective.flowMatching)" == "flow-matching")
    #expect(LossWeighting(parsing: "none") == LossWeighting.none)
    #expect(LossWeighting(parsing: "sigma") == .sigma)
    #expect(LossWeighting(parsing: "min-snr:5") == .minimumSNR(5))
    #expect(LossWeighting(parsing: "1,0.5,0") == .list([1, 0.5, 0]))
    for text in ["", "min-snr", "min-snr:0", "min-snr:nan", "1,,2", "-1", "inf", "sigmas"] {
      #expect(LossWeighting(parsing: text) == nil, "\(text)")
    }
    #expect("\(LossWeighting.minimumSNR(5))" == "min-snr:5.0")
    #expect("\(LossWeighting.list([1, 0.5]))" == "1.0,0.5")
  }

  @Test("weigh noise levels of a phase with the mean 1")
  func weights() {
    let sigmas: [Float] = [1, 0.8, 0.5, 0.25]
    #expect(LossWeighting.none.weights(of: sigmas, phase: 1..<3) == [1, 1])
    #expect(LossWeighting.sigma.weights(of: sigmas, phase: 2..<4) == [4.0 / 3, 2.0 / 3])
    // (1 - sigma)² = 0.25 and 0.5625; 0.5 sigma² = 0.125 and 0.03125: the limit holds at both.
    #expect(LossWeighting.minimumSNR(0.5).weights(of: sigmas, phase: 2..<4) == [1.6, 0.4])
    // Pure noise alone points to no picture.
    #expect(LossWeighting.minimumSNR(5).weights(of: sigmas, phase: 0..<1) == nil)
    #expect(LossWeighting.list([9, 1, 3, 9]).weights(of: sigmas, phase: 1..<3) == [0.5, 1.5])
    #expect(LossWeighting.list([1, 3]).weights(of: sigmas, phase: 1..<3) == nil)
  }

  @Test(
    "cost passes of teacher and student",
    arguments: [
      (Objective.flowMatching, 4.0, false, 0, 1), (.interval(substeps: 5), 1, false, 5, 1),
      (.interval(substeps: 5), 4, false, 10, 2), (.interval(substeps: 3), 4, true, 6, 1),
      (.path(trajectories: 4), 4, false, 0, 2),
    ])
  func passes(objective: Objective, cfg: Double, folds: Bool, teacher: Int, student: Int) {
    var settings = TrainingSettings()
    settings.objective = objective
    settings.cfg = cfg
    settings.foldsGuidance = folds
    #expect(settings.teacherPasses == teacher)
    #expect(settings.studentPasses == student)
  }
}
