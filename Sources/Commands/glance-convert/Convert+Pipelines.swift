internal import ArgumentParser
internal import CommandSupport
internal import Conversion
internal import JSON
internal import OptionGroups
internal import Reports
internal import Rewriting
internal import SystemPackage

/// Whole pipelines.
extension Convert {
  /// Whether all components are to be converted, not one.
  var isWholePipeline: Bool {
    checkpoint.component == nil
      && (checkpoint.allInOne
        || PipelineConversion.isMeant(
          by: input, output: output, layout: checkpoint.layout,
          hasConfigurations: checkpoint.configs != nil))
  }

  func convertPipeline() throws {
    try adapter.refuse { "\($0) is for adapters, and the input is a pipeline." }
    let request = try pipelineRequest()
    let conversion = try showing("measuring errors") {
      try PipelineConversion(request, measured: $0)
    }
    for note in conversion.notes { Terminal.warn("\(input): \(note)") }
    let reports = conversion.parts.map { ConversionReport($0.plan, isVerbose: common.verbose) }
    for warning in reports.flatMap(\.warnings) { Terminal.warn(warning) }
    if outputs.dryRun {
      return try Terminal.output(
        json
          ? conversion.json(nil).text(.pretty) + "\n" : reports.map(\.plan).joined(separator: ""))
    }
    let results = try showing("converting", total: conversion.byteCount) {
      try conversion.write(progress: $0)
    }
    for (report, result) in zip(reports, results) {
      for loss in report.losses(result) { Terminal.warn(loss) }
    }
    var text = ""
    if checkpoint.allInOne {
      text =
        "wrote \(SafeText.terminal(output.string)): "
        + "\(Readable.count(conversion.parts.count, "component")), "
        + Readable.bytes(conversion.byteCount) + "\n"
    }
    for ((part, report), result) in zip(zip(conversion.parts, reports), results) {
      text += report.text(result, inside: checkpoint.allInOne ? part.name : nil)
    }
    try printResult(json: conversion.json(results), text: text)
  }

  private func pipelineRequest() throws -> PipelineConversion.Request {
    let target: PipelineConversion.Target
    switch (checkpoint.allInOne, checkpoint.layout) {
    case (true, nil), (true, "comfyui"): target = .allInOne
    case (true, _):
      throw ValidationError("--all-in-one has ComfyUI's names; leave --layout out.")
    case (false, "comfyui"): target = .comfyui
    case (false, "diffusers"): target = .diffusers
    case (false, _):
      throw ValidationError(
        "a whole pipeline needs --layout comfyui, --layout diffusers or --all-in-one; --component NAME "
          + "converts one part of it.")
    }
    let own = try checkpoint.request(
      input: input, output: output, dtype: dtype.dtype, overwrite: outputs.force)
    let refused: [(String, Bool)] = [
      ("--prefix", own.prefix != nil), ("--gguf", own.form.gguf != nil),
      ("--compress", own.form.isCompressed), ("--delta-from", own.form.differenceBase != nil),
      ("--base", own.inputBase != nil),
      ("--shard-size", own.form.shardByteLimit != nil && target != .diffusers),
    ]
    if let option = refused.first(where: \.1) {
      throw ValidationError("\(option.0) is for one part of a pipeline; name it with --component.")
    }
    guard own.configurations == nil || target == .diffusers else {
      throw ValidationError("--configs goes with --layout diffusers.")
    }
    var request = PipelineConversion.Request(input: input, output: output, target: target)
    request.form = own.form
    request.configurations = own.configurations
    request.headDimension = own.headDimension
    request.unknown = own.unknown
    request.dropsSwitches = own.dropsSwitches
    return request
  }
}
