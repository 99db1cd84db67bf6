import Schedules
import Testing

@Suite("A preset of another method")
struct FewStepPresetTests {
  @Test(
    "takes the steps that are published for it, by its rule",
    arguments: [
      // Timesteps 999, 749, 499, 249 of DMD2's SDXL student; FastGen spaces FLUX.1's and Qwen-Image's
      // evenly, too.
      ("dmd2-4", [1, 0.75, 0.5, 0.25]),
      // diffusers 0.42.1, `LCMScheduler().set_timesteps(4)`: 999, 759, 499, 259, that is 1 - t / 50 of the
      // original 50 steps' 0, 12, 25, 37; on a grid without a shift.
      ("lcm-4", [1, 0.76, 0.5, 0.26]),
      // The same for 8: 999, 879, 759, 639, 499, 379, 259, 139.
      ("lcm-8", [1, 0.88, 0.76, 0.64, 0.5, 0.38, 0.26, 0.14]),
    ] as [(String, [Float])])
  func renoising(preset: String, sigmas: [Float]) throws {
    let even = SchedulerConfiguration(shift: .fixed(1))
    let schedule = try PhaseScheduleTests.schedule(preset, even)
    #expect(largestDifference(schedule.sigmas, sigmas) <= 1e-7)
    #expect(schedule.rule == .renoise && schedule.phases == [.single])
    #expect(schedule.walk.steps.allSatisfy { $0.rule == .renoise })
    #expect(SchedulePreset.named(preset)?.cfg == 1)
  }

  @Test func ofTimestepMasterHasAnExpertForEachQuarter() throws {
    let schedule = try PhaseScheduleTests.schedule(
      "timestep-master-4", SchedulerConfiguration(shift: .fixed(1)))
    #expect(schedule.phases.map(\.name) == ["part-1", "part-2", "part-3", "part-4"])
    #expect(schedule.rule == .euler)
    for (number, phase) in schedule.phases.enumerated() {
      let quarter = schedule.entries[schedule.indices(of: phase)].map { 4 * (1 - $0.sigma) }
      #expect(quarter.map { Int($0) } == [number, number])
    }
  }

  @Test func ofEulerStepsSaysNothingOfARule() throws {
    for name in ["lightning-4", "lightning-8", "distill-15", "distill-3", "glance-5+5"] {
      #expect(SchedulePreset.named(name)?.rule == .euler)
    }
  }

  @Test func isWrittenWithItsRuleAndReadsBack() throws {
    let schedule = try PhaseScheduleTests.schedule("dmd2-4")
    #expect(schedule.text == "renoise:1.0,0.75,0.5,0.25")
    #expect(try PhaseSchedule(text: schedule.text).walk == schedule.walk)
    let phases = try PhaseScheduleTests.schedule("renoise:slow=1|fast=0.5,0")
    #expect(phases.text == "renoise:1.0|0.5")
    // Whose steps they are doesn't change how they are taken.
    #expect(try phases.partitioned(.single).text == "renoise:1.0,0.5")
    #expect(try PhaseScheduleTests.schedule("renoise:0.7").text == "renoise:0.7")
    #expect(try PhaseScheduleTests.schedule("0.7").text == "0.7")
  }

  @Test func isNoneOfThePublishedSamplersWalks() throws {
    let schedule = try PhaseSchedule(text: "renoise:1|0.5")
    let error = try #require(throws: ScheduleError.self) {
      try schedule.publishedWalk(configuration: Schedulers.qwen, tokens: 36)
    }
    #expect(
      error.description
        == "--compat: can't be combined with a schedule that renoises: the published sampler takes "
        + "Euler steps")
  }

  @Test(
    "is found by the names of adapters that are made for it",
    arguments: [
      (["Qwen-Image-Lightning-4steps-V1.0.safetensors"], "lightning-4"),
      (["Qwen-Image-Edit-2509-Lightning-4steps-V1.0-bf16.safetensors"], "lightning-4"),
      (["Qwen-Image-fp8-e4m3fn-Lightning-4steps-V1.0-fp32.safetensors"], "lightning-4"),
      (["Qwen-Image-Lightning-8steps-V1.1.safetensors"], "lightning-8"),
      (["model.safetensors", "Qwen-Image-Distill-LoRA"], "distill-15"),
      (["qwen_image_distill_3step.safetensors", "Qwen-Image-Distill"], "distill-3"),
      (["dmd2_sdxl_4step_lora_fp16.safetensors"], "dmd2-4"),
      (["pytorch_lora_weights.safetensors", "lcm-lora-sdxl"], "lcm-4"),
      (["lightning.safetensors", "loras"], nil), (["model.safetensors"], nil), ([], nil),
    ] as [([String], String?)])
  func names(names: [String], preset: String?) {
    #expect(
      SchedulePreset.wanted(byAdapterCalled: names, family: "qwen-image")?.name == preset)
  }

  @Test func isNotProposedForAnotherFamily() {
    let names = ["Qwen-Image-Lightning-4steps-V1.0.safetensors"]
    #expect(SchedulePreset.wanted(byAdapterCalled: names, family: "flux1") == nil)
  }
}
