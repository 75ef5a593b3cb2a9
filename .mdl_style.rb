# SPDX-License-Identifier: Apache-2.0
all
rule "MD010", :ignore_code_blocks => true
rule "MD013", :line_length => 100, :ignore_code_blocks => true, :tables => false
rule "MD024", :allow_different_nesting => true
rule "MD029", :style => :ordered
# The first line is the licence.
exclude_rule "MD041"
